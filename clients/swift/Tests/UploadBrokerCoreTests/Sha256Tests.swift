import Foundation
import XCTest

@testable import UploadBrokerCore

final class Sha256Tests: XCTestCase {
    /// FIPS 180-4's examples (https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values).
    static let vectors = [
        "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu":
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ]

    func testTheStandardsExamples() {
        for (text, digest) in Sha256Tests.vectors { XCTAssertEqual(Sha256.hex(of: text), digest) }
        XCTAssertEqual(Sha256.hex(of: String(repeating: "a", count: 1_000_000)),
                       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    func testPiecesOfAnySizeHaveTheDigestOfTheWhole() {
        let bytes = Data((0..<300).map { UInt8($0 % 251) })
        for size in [1, 3, 55, 56, 63, 64, 65, 128, 299] {
            var hash = Sha256()
            for start in stride(from: 0, to: bytes.count, by: size) {
                hash.update(bytes[start..<min(start + size, bytes.count)])
            }
            XCTAssertEqual(hash.digest().base64EncodedString(), Sha256.base64(of: bytes), "pieces of \(size) bytes")
        }
    }

    func testAFileHasTheDigestOfItsBytes() throws {
        let bytes = Data(repeating: 7, count: (1 << 20) + 5)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try bytes.write(to: file)
        XCTAssertEqual(try Sha256.base64(of: file), Sha256.base64(of: bytes))
    }
}
