import Foundation

// Files in parts.

extension Uploader {
    private static let partsAtOnce = 4

    /// Return a few of the missing parts, each in a file of its own. If none is missing, complete the upload.
    func sendParts(_ upload: String, _ entry: inout Entry) async throws -> Step {
        do {
            let list = try await api.call(PartList.self, "GET", "/api/uploads/\(upload)/parts/", entry.owner)
            if !list.missing.isEmpty { return try await send(list, upload, &entry) }
        } catch let error as BrokerError where policy.decide(.parts, Failure(error, tries: 1)) == .confirm {}
        do {
            return try await recorded(try await api.record("/api/uploads/\(upload)/complete/", entry.owner), &entry)
        } catch let error as BrokerError {
            guard [.retry, .nextRound].contains(policy.decide(.complete, Failure(error, tries: 1))),
                  !entry.isTooOld else { throw error }
            return try await later(&entry, error)
        }
    }

    func send(_ list: PartList, _ upload: String, _ entry: inout Entry) async throws -> Step {
        let plan = PartPlan(size: entry.size, partSize: list.partSize)
        let (id, photo, folder) = (entry.id, journal.photo(entry.id), journal.parts(entry.id))
        try? FileManager.default.removeItem(at: folder)  // The previous parts.
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let numbers = Array(list.missing.prefix(Uploader.partsAtOnce))
        let wanted = try await Task.detached { [journal] in
            let handle = try FileHandle(forReadingFrom: photo)
            defer { try? handle.close() }
            return try numbers.map { number in
                WantedPart(number: number, checksum: try plan.copy(number, of: handle, to: journal.part(id, number)))
            }
        }.value
        let body = try JSONEncoder().encode(WantedParts(parts: wanted))
        let signed = try await api.call(SignedParts.self, "POST", "/api/uploads/\(upload)/parts/", entry.owner, body: body)
        try await begin(&entry, arrived: plan.arrived(missing: list.missing))
        let transfers = signed.parts.map { part in
            Transfer(file: journal.part(id, part.number), url: part.url, headers: part.headers, part: part.number,
                     after: entry.sendAfter)
        }
        return .send(transfers, arrived: entry.arrived, total: entry.size)
    }
}
