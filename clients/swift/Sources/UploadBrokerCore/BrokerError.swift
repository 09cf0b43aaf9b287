import Foundation

/// Why an upload does not go on. Check `code`: the broker's (`docs/errors.md`), S3's, or one of `Own`.
public struct BrokerError: Error, Equatable, Sendable {
    /// The codes of this client itself.
    public enum Own: String, Sendable {
        /// No answer.
        case network
        /// A captive portal or a proxy answered, not the broker.
        case unexpectedAnswer = "unexpected_answer"
        /// The app's `Tokens` raised an error.
        case tokenFailed = "token_failed"
        /// The file is not the one that was declared.
        case fileChanged = "file_changed"
        /// The disk failed.
        case storageFailed = "storage_failed"
        /// The app cancelled the upload.
        case cancelled
    }

    public let code: String
    /// The HTTP status of the broker's or S3's answer; 0 without one.
    public let status: Int
    /// Why the broker rejected the file, for example `not_an_image` (`docs/inspection.md`).
    public let reason: String?
    /// Seconds.
    public let retryAfter: Double?

    public init(code: String, status: Int = 0, reason: String? = nil, retryAfter: Double? = nil) {
        (self.code, self.status, self.reason, self.retryAfter) = (code, status, reason, retryAfter)
    }

    /// Whether the broker itself answered, and not something in between.
    var isAnswer: Bool { status > 0 && code != Own.unexpectedAnswer.rawValue }

    init(code: Own, status: Int = 0, retryAfter: Double? = nil) {
        self.init(code: code.rawValue, status: status, retryAfter: retryAfter)
    }
}
