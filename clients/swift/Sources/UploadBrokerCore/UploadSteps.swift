import Foundation

// What one call of `Uploader.next` asks the broker.

extension Uploader {
    func ask(_ entry: inout Entry) async throws -> Step {
        guard let upload = entry.upload else {
            return try await send(try await requestTicket(&entry).upload, &entry)
        }
        if entry.isMultipart && !entry.isProcessing { return try await sendParts(upload, &entry) }
        do {
            return try await confirm(upload, &entry)
        } catch let error as BrokerError where error.code == "object_missing" && !entry.isProcessing {
            if entry.isSent {
                entry.confirms += 1
                if policy.decide(.confirm, Failure(error, tries: entry.confirms)) == .retry {
                    return try await later(&entry, error)
                }
                entry.isSent = false
            }
        }
        let ticket = try await api.call(Ticket.self, "POST", "/api/uploads/\(upload)/renew/", entry.owner)
        return try await send(ticket.upload, &entry)
    }

    func confirm(_ upload: String, _ entry: inout Entry) async throws -> Step {
        try await recorded(try await api.record("/api/uploads/\(upload)/confirm/", entry.owner), &entry)
    }

    /// The request and its key are on disk before it is sent, and the id before the first byte.
    func requestTicket(_ entry: inout Entry) async throws -> Ticket {
        if entry.body == nil {
            let profiles = try await api.call([String: Profile].self, "GET", "/api/profiles/", entry.owner)
            let isLarge = profiles[entry.owner.profile].map { entry.size > $0.multipartThreshold } ?? false
            let takesText = entry.owner.takesText
            entry.body = try JSONEncoder().encode(NewFile(
                fileName: entry.fileName, contentType: entry.contentType, size: entry.size, checksum: entry.digest,
                transport: isLarge ? "multipart" : "put", altText: takesText ? entry.altText : nil,
                order: takesText ? entry.order : nil))
            try await journal.save(entry)
        }
        let ticket = try await api.call(Ticket.self, "POST", entry.owner.ticketPath, entry.owner,
                                        body: entry.body, key: entry.key)
        (entry.upload, entry.isMultipart) = (ticket.id, ticket.upload.method == "MULTIPART")
        try await journal.save(entry)
        return ticket
    }

    func send(_ target: Target, _ entry: inout Entry) async throws -> Step {
        if target.method == "MULTIPART", let upload = entry.upload { return try await sendParts(upload, &entry) }
        guard target.method == "PUT", let url = target.url else { throw BrokerError(code: .unexpectedAnswer) }
        try await begin(&entry, arrived: 0)
        let transfer = Transfer(file: journal.photo(entry.id), url: url, headers: target.headers ?? [:], part: nil,
                                after: entry.sendAfter)
        return .send([transfer], arrived: 0, total: entry.size)
    }

    func begin(_ entry: inout Entry, arrived: Int) async throws {
        (entry.askAfter, entry.reason, entry.isSent, entry.polls, entry.arrived) = (nil, nil, false, 0, arrived)
        try await journal.save(entry)
    }

    func recorded(_ recorded: Recorded, _ entry: inout Entry) async throws -> Step {
        switch recorded {
        case .image(let image):
            await journal.delete(entry.id)
            return .done(image)
        case .processing(let retryAfter):
            let wait = secondsToWait(policy.pollPause(entry.polls), retryAfter)
            entry.polls += 1
            (entry.isProcessing, entry.tries, entry.reason) = (true, 0, nil)
            entry.askAfter = Date(timeIntervalSinceNow: wait)
            try await journal.save(entry)
            return .processing(wait)
        }
    }
}
