import Foundation

/// The steps of uploads: it asks the broker and keeps the records, and the caller sends the bytes.
///
/// Call `next` for one upload only once at a time.
public actor Uploader {
    let api: BrokerAPI
    let journal: Journal
    let policy = RetryPolicy()
    private var compared: Set<String> = []  // Uploads in parts whose file was compared in this process.

    public init(broker: URL, tokens: any Tokens, folder: URL) {
        self.init(BrokerAPI(base: broker, tokens: tokens), Journal(folder: folder))
    }

    init(_ api: BrokerAPI, _ journal: Journal) { (self.api, self.journal) = (api, journal) }

    /// Copy a file, and record its upload. Return its id. Nothing is requested yet.
    public func add(_ file: URL, fileName: String, contentType: String, owner: Owner, altText: String = "",
                    order: Int? = nil, copy: Int = 0) async throws -> String {
        let draft = try await journal.draft()
        let (digest, size) = try await Task.detached {
            try FileManager.default.copyItem(at: file, to: draft)  // Nobody changes this file.
            let size = try FileManager.default.attributesOfItem(atPath: draft.path)[.size] as? NSNumber
            return (try Sha256.base64(of: draft), size?.intValue ?? 0)
        }.value
        let id = Journal.id(owner, digest: digest, copy: copy)
        let entry = Entry(id: id, owner: owner, fileName: fileName, contentType: contentType, altText: altText,
                          order: order, size: size, digest: digest)
        try await journal.add(entry, draft: draft)
        return id
    }

    /// Return the ids of all uploads that have not ended.
    public func ids() async -> [String] { await journal.ids() }

    /// Return how many bytes of an upload had arrived before the present transfers, and all its bytes.
    public func progress(of id: String) async -> (bytes: Int, total: Int)? {
        await journal.read(id).map { ($0.arrived, $0.size) }
    }

    /// Ask the broker what has arrived, and return what must happen next.
    public func next(_ id: String) async -> Step {
        guard var entry = await journal.read(id) else { return .unknown }
        if entry.isCancelled {
            await release(&entry)
            return .unknown
        }
        do {
            let wait = entry.askAfter?.timeIntervalSinceNow ?? 0
            // A clock that was set back must not stop the upload for longer.
            if wait > 0, wait <= RetryPolicy.maxRetryAfter { return waiting(wait, entry) }
            try await compare(entry)
            do {
                return try await ask(&entry)
            } catch let error as BrokerError where policy.decide(.transfer, Failure(error, tries: 1)) == .confirm {
                guard let upload = entry.upload else { throw error }
                return try await confirm(upload, &entry)
            }
        } catch let error as BrokerError {
            return await fail(&entry, error)
        } catch { return await fail(&entry, BrokerError(code: .storageFailed)) }
    }

    /// Handle the answer to a transfer; nil is no answer. Return nil if `next` must be called.
    public func answered(_ id: String, part: Int?, _ answer: S3Answer?) async -> Step? {
        guard var entry = await journal.read(id), let upload = entry.upload else { return .unknown }
        let phase: Phase = part == nil ? .send : .part
        let failure = S3Answer.failure(of: answer, tries: entry.tries + 1)
        var decision = policy.decide(phase, failure)
        if decision == .report { decision = await advice(entry, upload, failure) }
        switch decision {
        case .confirm:
            (entry.tries, entry.sendAfter, entry.reason) = (0, nil, nil)
            entry.isSent = part == nil
        case .retry, .renew, .nextRound:
            entry.tries += 1
            if entry.isTooOld { return await end(&entry, BrokerError(code: failure.code, status: failure.status)) }
            let pause = decision == .retry ? policy.backoff(entry.tries) : 0
            entry.sendAfter = Date(timeIntervalSinceNow: secondsToWait(pause, failure.retryAfter))
            entry.reason = failure.code
        default:
            return await end(&entry, BrokerError(code: failure.code, status: failure.status))
        }
        try? await journal.save(entry)
        if let part { try? FileManager.default.removeItem(at: journal.part(id, part)) }
        return nil
    }

    /// Stop an upload and release its slot. Without a network this happens at a later `next`.
    public func cancel(_ id: String) async -> Step {
        guard var entry = await journal.read(id) else { return .unknown }
        return await end(&entry, BrokerError(code: .cancelled))
    }

    /// S3 and the broker always refuse other bytes than the declared ones.
    private func compare(_ entry: Entry) async throws {
        if entry.isSent || entry.isProcessing || compared.contains(entry.id) { return }
        let photo = journal.photo(entry.id)
        let isThere = FileManager.default.fileExists(atPath: photo.path)
        guard isThere, try await Task.detached(operation: { try Sha256.base64(of: photo) }).value == entry.digest else {
            throw BrokerError(code: .fileChanged)
        }
        if entry.isMultipart { compared.insert(entry.id) }
    }
}
