import Foundation
import UploadBroker
import UploadBrokerCore
import XCTest

/// Uploads to a running broker, as an app does. `make swift` in the broker's repository starts one and sets the
/// environment; without it these tests are skipped.
@MainActor
final class LiveTests: XCTestCase, @unchecked Sendable {
    private struct EnvironmentToken: Tokens {
        func token(for owner: Owner, refused: String?) async throws -> String { try LiveTests.variable("TOKEN") }
    }

    private nonisolated static func variable(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment["UPLOAD_BROKER_\(name)"] else {
            throw XCTSkip("UPLOAD_BROKER_\(name) is not set")
        }
        return value
    }

    private func queue() throws -> UploadQueue {
        let broker = try XCTUnwrap(URL(string: LiveTests.variable("URL")))
        let identifier = (try? LiveTests.variable("QUEUE")) ?? UUID().uuidString
        return try UploadQueue(broker: broker, tokens: EnvironmentToken(), identifier: identifier)
    }

    private func ad() throws -> Owner { .ad(try XCTUnwrap(Int64(LiveTests.variable("AD")))) }

    private func states(_ queue: UploadQueue, _ id: UploadQueue.UploadID) async -> [UploadState] {
        var seen: [UploadState] = []
        for await state in queue.states(of: id) { seen.append(state) }
        return seen
    }

    func testAPhotoIsPublished() async throws {
        let queue = try queue()
        var ended: [UploadState] = []
        queue.onEnd = { _, state in ended.append(state) }
        let photo = URL(fileURLWithPath: try LiveTests.variable("PHOTO"))
        let id = try await queue.enqueue(photo, contentType: "image/jpeg", owner: ad(), altText: "front view", order: 2)
        let last = await states(queue, id).last
        guard case .done(let image) = last else { return XCTFail("\(String(describing: last))") }
        XCTAssertEqual([image.altText, String(image.order)], ["front view", "2"])
        XCTAssertFalse(image.variants.isEmpty)
        XCTAssertEqual(ended, [.done(image)])
    }

    func testALargePhotoIsSentInPartsAndPublished() async throws {
        let queue = try queue()
        let photo = URL(fileURLWithPath: try LiveTests.variable("LARGE_PHOTO"))
        let id = try await queue.enqueue(photo, owner: ad())
        let seen = await states(queue, id)
        guard case .done = seen.last else { return XCTFail("\(String(describing: seen.last))") }
        XCTAssertTrue(seen.contains { if case .sending(let sent, let total) = $0 { return sent == total } else { return false } })
    }

    func testAFileThatIsNoPhotoFailsWithTheReason() async throws {
        let queue = try queue()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).jpg")
        try Data("no photo".utf8).write(to: file)
        let id = try await queue.enqueue(file, owner: ad())
        guard case .failed(let error) = await states(queue, id).last else { return XCTFail("it did not fail") }
        XCTAssertEqual([error.code, error.reason], ["upload_rejected", "not_an_image"])
    }

    func testACancelledUploadEnds() async throws {
        #if canImport(FoundationNetworking)
        throw XCTSkip("Foundation on Linux crashes when an upload task is cancelled (seen with Swift 6.0.3)")
        #else
        let queue = try queue()
        let photo = URL(fileURLWithPath: try LiveTests.variable("LARGE_PHOTO"))
        let id = try await queue.enqueue(photo, owner: ad(), copy: 1)
        queue.cancel(id)
        guard case .failed(let error) = await states(queue, id).last else { return XCTFail("it did not end") }
        XCTAssertEqual(error.code, "cancelled")
        #endif
    }
}
