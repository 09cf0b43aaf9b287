import Foundation

/// How a file is divided: every part has `partSize` bytes, only the last may be shorter. Numbers begin at 1.
struct PartPlan: Equatable {
    let size: Int
    let partSize: Int

    /// Return where a part begins and ends in the file, in bytes.
    func range(of number: Int) -> Range<Int> {
        let start = (number - 1) * partSize
        return min(start, size)..<min(start + partSize, size)
    }

    /// Return how many bytes have arrived if these parts are missing.
    func arrived(missing: [Int]) -> Int { size - missing.reduce(0) { $0 + range(of: $1).count } }

    /// Copy a part to a file of its own, because a background session sends only whole files. Return its digest.
    func copy(_ number: Int, of photo: FileHandle, to file: URL) throws -> String {
        let range = range(of: number)
        try photo.seek(toOffset: UInt64(range.lowerBound))
        let bytes = try photo.read(upToCount: range.count) ?? Data()
        guard bytes.count == range.count else { throw BrokerError(code: .fileChanged) }
        try bytes.write(to: file)
        return Sha256.base64(of: bytes)
    }
}
