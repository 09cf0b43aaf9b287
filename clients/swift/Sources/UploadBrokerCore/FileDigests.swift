import Foundation

private let blockBytes = 1 << 20

extension Sha256 {
    /// Return the SHA-256 of a file as S3 and the broker write it: 44 characters of base64.
    public static func base64(of file: URL) throws -> String {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        var hash = Sha256()
        while let block = try read(handle), !block.isEmpty { hash.update(block) }
        return hash.digest().base64EncodedString()
    }

    public static func base64(of bytes: Data) -> String {
        var hash = Sha256()
        hash.update(bytes)
        return hash.digest().base64EncodedString()
    }

    /// Return 64 hexadecimal digits.
    public static func hex(of text: String) -> String {
        var hash = Sha256()
        hash.update(Data(text.utf8))
        return hash.digest().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private static func read(_ handle: FileHandle) throws -> Data? {
        #if canImport(ObjectiveC)
        // Without the pool every block would stay in memory until the end.
        return try autoreleasepool { try handle.read(upToCount: blockBytes) }
        #else
        return try handle.read(upToCount: blockBytes)
        #endif
    }
}
