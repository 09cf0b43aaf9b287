import Foundation

// What to do after an answer, and how long to wait first. Nothing else decides this, and nothing here sends.
// tests/retry_cases.json in the broker's repository has a row for each case.

/// What was asked.
enum Phase: String {
    case send  // S3 answered a whole file.
    case part  // S3 answered one part.
    case advice  // The broker answered the report of a failure.
    case request  // The broker, or something in between, answered any request to the API.
    case confirm  // Confirming failed.
    case parts  // Listing or signing the parts failed.
    case complete  // Completing failed.
    case transfer  // Sending or confirming failed.
    case poll  // Asking for an upload that is being processed failed.
    case end  // The upload failed: what happens to its record.
}

/// What to do next.
enum Decision: String {
    case retry  // Repeat the same request.
    case renew  // Renew the URL, then send again.
    case confirm  // The bytes have arrived, or the image is recorded.
    case report  // Report the failure to the broker, and follow its advice.
    case giveUp = "give_up"
    case signIn = "sign_in"  // Get a new token.
    case sendAgain = "send_again"  // The whole file.
    case nextRound = "next_round"  // Ask again which parts are missing.
    case restart  // Start again with a new ticket.
    case forget  // The upload has ended: delete its record.
    case keep  // Keep the record: a later try can continue.
}

/// An answer, or a missing answer (status 0), as the rules use it.
struct Failure {
    var status = 0
    var code = ""
    var message = ""
    var retryAfter: Double?  // Seconds.
    var fromProxy = false  // Whether something between the phone and S3 answered.
    var tries = 1  // How often this was answered, with this answer. In `end`: how often the upload has restarted.

    var isTemporary: Bool { status == 408 || status == 429 || status >= 500 }
    var isRefused: Bool { status >= 400 && status < 500 && status != 401 }
    var isUnexpected: Bool { code == "unexpected_answer" }
    var saysExpired: Bool {
        ["expired", "expiration date is in the past", "date is too old"].contains { message.lowercased().contains($0) }
    }

    func has(_ codes: String...) -> Bool { codes.contains(code) }
}

extension Failure {
    init(_ error: BrokerError, tries: Int) {
        self.init(status: error.status, code: error.code, retryAfter: error.retryAfter, tries: tries)
    }
}

/// A decision for some phases and failures.
struct Rule: Sendable {
    let phases: [Phase]
    let decision: Decision
    let when: @Sendable (Failure) -> Bool

    init(_ phases: [Phase], _ decision: Decision, when: @escaping @Sendable (Failure) -> Bool) {
        (self.phases, self.decision, self.when) = (phases, decision, when)
    }
}

struct RetryPolicy: Sendable {
    /// The longest `Retry-After` that is obeyed, in seconds.
    static let maxRetryAfter = 3600.0
    /// Seconds after which an upload that the broker or S3 does not accept has failed: a week.
    static let giveUpAfter = 604_800.0
    static let firstBackoff = 0.5, maxBackoff = 900.0, firstPoll = 1.0, maxPoll = 15.0
    /// Between two requests to a broker that does not answer.
    static let longestMiss = 30.0
    static let resendAfterConfirms = 3, maxRestarts = 2

    /// Return a random number from 0 to 1.
    var jitter: @Sendable () -> Double = { Double.random(in: 0...1) }

    /// The first rule that matches decides. If none matches, the decision is to give up.
    static let rules: [Rule] = [
        // A captive portal or a proxy answered. That says nothing about the upload, whatever the status.
        Rule([.send, .part], .retry) { $0.fromProxy },
        Rule([.send, .part], .confirm) { $0.status >= 200 && $0.status < 300 },
        // S3 writes an object once: an earlier PUT has arrived, and its answer was lost.
        Rule([.send, .part], .confirm) { $0.status == 412 },
        // S3 does not know the multipart upload. NoSuchKey is Ceph's and OpenStack Swift's code for it.
        Rule([.part], .nextRound) { $0.has("NoSuchUpload", "NoSuchKey") },
        // Only the message says that the URL has expired. Garage's code is InvalidRequest.
        Rule([.send, .part], .renew) { ($0.status == 403 || $0.has("InvalidRequest")) && $0.saysExpired },
        Rule([.send, .part], .retry) { $0.status == 0 },
        // The server lacks what the request needs. The broker advises to give up.
        Rule([.send, .part], .report) { $0.has("NotImplemented") },
        // A connection that was dead for too long. These are not reported: after a few reports the broker gives an
        // upload up, and a train passes through many tunnels.
        Rule([.send, .part], .retry) { $0.isTemporary || $0.has("RequestTimeout") },
        Rule([.send, .part], .report) { $0.status > 0 },

        Rule([.advice], .retry) { $0.has("retry") },
        Rule([.advice], .renew) { $0.has("renew") },
        Rule([.advice], .confirm) { $0.has("confirm") },

        Rule([.request], .signIn) { $0.status == 401 },
        // The user's bytes or files for this day are used up.
        Rule([.request], .giveUp) { $0.has("quota_exceeded") },
        // Not the broker's answer, but as a captive portal or a proxy refuses or redirects a request.
        Rule([.request], .retry) { $0.isUnexpected && ($0.status < 400 || $0.status == 403 || $0.status == 407) },
        Rule([.request], .retry) { $0.isTemporary || $0.has("network", "idempotency_in_flight") },

        // The file was sent, but the bucket does not show it: send it once more.
        Rule([.confirm], .sendAgain) { $0.has("object_missing") && $0.tries == RetryPolicy.resendAfterConfirms },
        Rule([.confirm, .complete], .retry) { $0.has("object_missing") },
        Rule([.complete], .nextRound) { $0.has("parts_missing") },
        // Settled: `complete` returns the image. Missing: S3 is still joining the parts.
        Rule([.parts], .confirm) { $0.has("upload_settled", "object_missing") },

        // The image is recorded: an earlier answer was lost.
        Rule([.transfer], .confirm) { $0.has("upload_settled") },
        // The file is safe: go on, however often the network fails.
        Rule([.poll], .retry) { $0.isTemporary || $0.isUnexpected || $0.has("network") },

        // An answer of a proxy contains no information about the upload.
        Rule([.end], .keep) { $0.isUnexpected },
        Rule([.end], .restart) {
            $0.has("upload_expired", "object_mismatch", "idempotency_key_reused") && $0.tries < RetryPolicy.maxRestarts
        },
        Rule([.end], .keep) { $0.has("rate_limited", "idempotency_in_flight", "object_missing", "parts_missing") },
        Rule([.end], .forget) { $0.isRefused || $0.has("file_changed", "s3_refused", "cancelled") },
        Rule([.end], .keep) { _ in true },
    ]

    func decide(_ phase: Phase, _ failure: Failure) -> Decision {
        RetryPolicy.rules.first { $0.phases.contains(phase) && $0.when(failure) }?.decision ?? .giveUp
    }

    /// Return the seconds to wait after a try. They double with each try; half is random.
    func backoff(_ tries: Int) -> Double {
        half(min(RetryPolicy.firstBackoff * pow(2, Double(min(tries, 20) - 1)), RetryPolicy.maxBackoff))
    }

    /// Return the seconds before a poll, after so many polls of the same upload.
    func pollPause(_ polls: Int) -> Double {
        half(min(RetryPolicy.firstPoll * pow(1.5, Double(min(polls, 20))), RetryPolicy.maxPoll))
    }

    private func half(_ longest: Double) -> Double { longest * (0.5 + jitter() / 2) }
}

/// Return the pause, or the server's `Retry-After` if that is longer.
func secondsToWait(_ pause: Double, _ retryAfter: Double?) -> Double {
    max(pause, min(retryAfter ?? 0, RetryPolicy.maxRetryAfter))
}
