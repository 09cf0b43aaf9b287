import Foundation

/// What is known of one upload. It survives the process.
struct Entry: Codable, Equatable, Sendable {
    let id: String
    let owner: Owner
    let fileName: String, contentType: String, altText: String, order: Int?
    let size: Int, digest: String
    var begun = Date()
    /// The ticket request and its `Idempotency-Key` are repeated unchanged if their answer was lost.
    var body: Data?, key = UUID().uuidString
    /// The upload's id, from the ticket.
    var upload: String?
    var isMultipart = false, isSent = false, isProcessing = false, isCancelled = false
    /// Refusals since the last success; confirms without the object; new tickets after the first.
    var tries = 0, confirms = 0, restarts = 0
    /// Bytes that the bucket had before the present transfers.
    var arrived = 0
    /// Polls, or requests without an answer, since the last progress.
    var polls = 0
    /// Neither the broker nor S3 is asked before these times.
    var askAfter: Date?, sendAfter: Date?
    /// Why the upload waits.
    var reason: String?

    var isTooOld: Bool { -begun.timeIntervalSinceNow > RetryPolicy.giveUpAfter }

    /// Begin again with a new ticket.
    mutating func restart() {
        (upload, key, isSent, isProcessing) = (nil, UUID().uuidString, false, false)
        (tries, confirms, polls, restarts) = (0, 0, 0, restarts + 1)
    }
}

/// The uploads that have not ended: a folder with a small file for each, replaced atomically, and the photo.
actor Journal {
    private let folder: URL

    init(folder: URL) { self.folder = folder }

    /// Return the id of an upload. The same bytes for the same owner are one upload, whatever the file's name;
    /// another `copy` is another upload.
    static func id(_ owner: Owner, digest: String, copy: Int) -> String {
        Sha256.hex(of: "\(owner.profile)\n\(owner.name)\n\(digest)\n\(copy)")
    }

    nonisolated func photo(_ id: String) -> URL { folder.appendingPathComponent("\(id).photo") }
    nonisolated func part(_ id: String, _ number: Int) -> URL {
        parts(id).appendingPathComponent(String(number))
    }
    nonisolated func parts(_ id: String) -> URL { folder.appendingPathComponent("\(id).parts") }
    private func file(_ id: String) -> URL { folder.appendingPathComponent("\(id).json") }

    /// Return a path for a new copy of a photo. Nothing else uses it.
    func draft() throws -> URL {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.appendingPathComponent("\(UUID().uuidString).new")
    }

    /// Record a new upload, and take over the copy of its photo. If the upload is known, delete the copy.
    func add(_ entry: Entry, draft: URL) throws {
        if read(entry.id) != nil { return try FileManager.default.removeItem(at: draft) }
        try? FileManager.default.removeItem(at: photo(entry.id))
        try FileManager.default.moveItem(at: draft, to: photo(entry.id))
        try save(entry)
    }

    func read(_ id: String) -> Entry? {
        (try? Data(contentsOf: file(id))).flatMap { try? JSONDecoder().decode(Entry.self, from: $0) }
    }

    func save(_ entry: Entry) throws {
        try JSONEncoder().encode(entry).write(to: file(entry.id), options: .atomic)
    }

    func delete(_ id: String) {
        for url in [file(id), photo(id), parts(id)] { try? FileManager.default.removeItem(at: url) }
    }

    /// Return the ids of all uploads. Copies without a record are deleted after a day: the app was killed meanwhile.
    func ids(now: Date = Date()) -> [String] {
        let keys: [URLResourceKey] = [.contentModificationDateKey]
        let found = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: keys)) ?? []
        let ids = found.filter { $0.pathExtension == "json" }.map { $0.deletingPathExtension().lastPathComponent }
        for url in found where !ids.contains(url.deletingPathExtension().lastPathComponent) {
            let changed = try? url.resourceValues(forKeys: Set(keys)).contentModificationDate
            if let changed, now.timeIntervalSince(changed) > 24 * 3600 { try? FileManager.default.removeItem(at: url) }
        }
        return ids
    }
}
