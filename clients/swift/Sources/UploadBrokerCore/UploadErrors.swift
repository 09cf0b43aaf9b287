import Foundation

// What follows from errors of the broker, of S3, and of this client.

extension Uploader {
    /// Report S3's refusal. Return the broker's advice.
    func advice(_ entry: Entry, _ upload: String, _ failure: Failure) async -> Decision {
        let report = FailureReport(code: failure.code, message: failure.message)
        guard let body = try? JSONEncoder().encode(report),
              let advice = try? await api.call(Advice.self, "POST", "/api/uploads/\(upload)/failures/", entry.owner,
                                               body: body) else { return .retry }
        return policy.decide(.advice, Failure(status: 200, code: advice.action))
    }

    /// Decide what follows from an error of the broker or of this client.
    func fail(_ entry: inout Entry, _ error: BrokerError) async -> Step {
        if error.status == 401 { return .signIn(reason: error.code) }
        let asked = policy.decide(entry.isProcessing ? .poll : .request, Failure(error, tries: entry.tries + 1))
        let ended = policy.decide(.end, Failure(error, tries: entry.restarts))
        if asked != .retry, ended == .restart {
            entry.restart()
        } else {
            // A phone may be without a network for weeks, so only answers of the broker count.
            let mayContinue = entry.isProcessing || !error.isAnswer || !entry.isTooOld
            guard asked == .retry || ended == .keep, mayContinue else { return await end(&entry, error) }
        }
        return (try? await later(&entry, error)) ?? .wait(RetryPolicy.longestMiss, reason: error.code)
    }

    func later(_ entry: inout Entry, _ error: BrokerError) async throws -> Step {
        if error.isAnswer { entry.tries += 1 } else { entry.polls += 1 }
        let pause = error.isAnswer ? policy.backoff(entry.tries) : min(policy.backoff(entry.polls), RetryPolicy.longestMiss)
        let wait = secondsToWait(pause, error.retryAfter)
        (entry.askAfter, entry.reason) = (Date(timeIntervalSinceNow: wait), error.code)
        try await journal.save(entry)
        return waiting(wait, entry)
    }

    func waiting(_ seconds: Double, _ entry: Entry) -> Step {
        entry.isProcessing ? .processing(seconds) : .wait(seconds, reason: entry.reason ?? "waiting")
    }

    /// End an upload, and release its slot.
    func end(_ entry: inout Entry, _ error: BrokerError) async -> Step {
        await release(&entry)
        return .failed(error)
    }

    /// Give the ticket back. If the ticket's answer was lost, the same request returns its id. Without a network
    /// the record stays, and the next `next` tries again.
    func release(_ entry: inout Entry) async {
        entry.isCancelled = true
        do {
            try await journal.save(entry)
            if entry.upload == nil, entry.body != nil { _ = try await requestTicket(&entry) }
            if let upload = entry.upload { try await api.cancel(upload, entry.owner) }
        } catch let error as BrokerError where !error.isAnswer || error.status >= 500 || error.status == 401 {
            return
        } catch {}  // The broker says that it has ended.
        await journal.delete(entry.id)
    }
}
