import Foundation
import XCTest

@testable import UploadBrokerCore

final class UploaderTests: XCTestCase {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    private let arrived = S3Answer(status: 200, headers: ["ETag": "\"1\""], body: Data())

    override func tearDown() { try? FileManager.default.removeItem(at: folder) }

    private func uploader(_ script: Reply..., tokens: any Tokens = FixedToken()) -> Uploader {
        Uploader(ScriptedBroker.api(script, tokens: tokens), Journal(folder: folder))
    }

    private func added(_ uploader: Uploader, bytes: Int = 100, name: String = "a.jpg", copy: Int = 0) async throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("source")
        try Data(repeating: 1, count: bytes).write(to: file)
        return try await uploader.add(file, fileName: name, contentType: "image/jpeg", owner: .ad(7), copy: copy)
    }

    private func code(_ step: Step?) -> String {
        switch step {
        case .wait(_, let reason), .signIn(let reason): return reason
        case .failed(let error): return error.code
        case .done: return "done"
        case .processing: return "processing"
        case .send(let transfers, _, _): return "send \(transfers.count)"
        case .unknown: return "unknown"
        case nil: return "next"
        }
    }

    func testAPhotoIsSentAndConfirmed() async throws {
        let uploader = uploader(.profiles, .put, .image)
        let id = try await added(uploader)
        guard case .send(let transfers, 0, 100) = await uploader.next(id) else { return XCTFail("nothing to send") }
        XCTAssertEqual(transfers.map(\.url.absoluteString), ["https://s3.example/k"])
        XCTAssertEqual(transfers.first?.headers, ["Content-Type": "image/jpeg"])
        let answered = await uploader.answered(id, part: nil, arrived)
        XCTAssertNil(answered)
        guard case .done(let image) = await uploader.next(id) else { return XCTFail("no image") }
        XCTAssertEqual(image.imageURL?.absoluteString, "https://m.example/a.jpg")
        let left = await uploader.ids()
        XCTAssertEqual(left, [])
        XCTAssertEqual(ScriptedBroker.paths, [
            "GET /api/profiles/", "POST /api/ads/7/upload_image/", "POST /api/uploads/u1/confirm/",
        ])
    }

    func testALostAnswerToTheTicketRequestIsAskedForWithTheSameKey() async throws {
        let first = uploader(.profiles, Reply(status: 0))
        let id = try await added(first)
        let waited = await first.next(id)
        XCTAssertEqual(code(waited), "network")
        let key = ScriptedBroker.requests.last?.value(forHTTPHeaderField: "Idempotency-Key")
        let later = uploader(.put)
        try await Task.sleep(nanoseconds: 600_000_000)  // The backoff.
        let step = await later.next(id)
        XCTAssertEqual(code(step), "send 1")
        XCTAssertEqual(ScriptedBroker.requests.last?.value(forHTTPHeaderField: "Idempotency-Key"), key)
        XCTAssertNotNil(key)
    }

    func testTheSameBytesAreOneUploadAndAnotherCopyIsAnother() async throws {
        let uploader = uploader()
        let first = try await added(uploader, name: "a.jpg")
        let again = try await added(uploader, name: "b.jpg")
        let other = try await added(uploader, bytes: 101, name: "a.jpg")
        let copy = try await added(uploader, copy: 1)
        XCTAssertEqual(first, again)
        XCTAssertEqual(Set([first, other, copy]).count, 3)
        let ids = await uploader.ids()
        XCTAssertEqual(Set(ids), [first, other, copy])
    }

    func testAChangedFileEndsTheUpload() async throws {
        let uploader = uploader()
        let id = try await added(uploader)
        try Data("other".utf8).write(to: folder.appendingPathComponent("\(id).photo"))
        let step = await uploader.next(id)
        XCTAssertEqual(code(step), "file_changed")
        XCTAssertEqual(ScriptedBroker.paths, [])
    }

    func testRetryAfterIsObeyed() async throws {
        let uploader = uploader(.problem(429, "rate_limited", ["Retry-After": "90"]))
        let id = try await added(uploader)
        guard case .wait(let seconds, "rate_limited") = await uploader.next(id) else { return XCTFail("no wait") }
        XCTAssertEqual(seconds, 90)
        guard case .wait(let left, _) = await uploader.next(id) else { return XCTFail("asked too early") }
        XCTAssertGreaterThan(left, 80)
        XCTAssertEqual(ScriptedBroker.requests.count, 1)
    }

    func testABrokerThatIsDownIsAskedForAWeekAndAPhoneOfflineGoesOn() async throws {
        let down = Reply.problem(503, "storage_unavailable")
        let uploader = uploader(down, Reply(status: 0), down)
        let id = try await added(uploader)
        let waiting = await uploader.next(id)
        XCTAssertEqual(code(waiting), "storage_unavailable")
        let journal = Journal(folder: folder)
        let stored = await journal.read(id)
        var entry = try XCTUnwrap(stored)
        (entry.begun, entry.askAfter) = (Date(timeIntervalSinceNow: -700_000), nil)
        try await journal.save(entry)
        guard case .wait(_, "network") = await uploader.next(id) else { return XCTFail("offline ended it") }
        entry.askAfter = nil
        try await journal.save(entry)
        guard case .failed(let error) = await uploader.next(id) else { return XCTFail("it did not end") }
        XCTAssertEqual(error.code, "storage_unavailable")
    }

    func testARefusedTokenIsReplacedOnceAndThenTheUserMustSignIn() async throws {
        let uploader = uploader(.problem(401, "token_expired"), .profiles, .problem(401, "token_expired"), .problem(401, "token_invalid"))
        let id = try await added(uploader)
        let step = await uploader.next(id)
        XCTAssertEqual(code(step), "token_invalid")
        XCTAssertEqual(ScriptedBroker.requests.map { $0.value(forHTTPHeaderField: "Authorization") },
                       ["Bearer first", "Bearer second", "Bearer first", "Bearer second"])
        let kept = await uploader.ids()
        XCTAssertEqual(kept, [id])
    }

    func testAFullAdEndsTheUpload() async throws {
        let uploader = uploader(.profiles, .problem(409, "image_limit_reached"), .problem(409, "image_limit_reached"))
        let id = try await added(uploader)
        let step = await uploader.next(id)
        XCTAssertEqual(code(step), "image_limit_reached")
        let kept = await uploader.ids()
        XCTAssertEqual(kept, [])
    }

    func testAnExpiredUploadStartsAgainAtMostTwice() async throws {
        let expired = Reply.problem(410, "upload_expired")
        let uploader = uploader(.profiles, .put, expired, .put, expired, .put, expired, Reply(status: 204))
        let id = try await added(uploader)
        for _ in 1...2 {
            _ = await uploader.next(id)
            guard case .wait(let seconds, "upload_expired") = await uploader.next(id) else { return XCTFail("no restart") }
            try await Task.sleep(nanoseconds: UInt64(seconds * 1e9))
        }
        _ = await uploader.next(id)
        guard case .failed(let error) = await uploader.next(id) else { return XCTFail("a third restart") }
        XCTAssertEqual(error.code, "upload_expired")
        let keys = ScriptedBroker.requests.compactMap { $0.value(forHTTPHeaderField: "Idempotency-Key") }
        XCTAssertEqual(Set(keys).count, 3)
        XCTAssertEqual(ScriptedBroker.paths.filter { $0.hasPrefix("DELETE") }.count, 1)
    }

    func testARejectedPhotoEndsTheUploadWithItsReason() async throws {
        let rejected = Reply(status: 422, body: "{\"code\": \"upload_rejected\", \"reason\": \"not_an_image\"}")
        let uploader = uploader(.profiles, .put, Reply(status: 202), rejected)
        let id = try await added(uploader)
        _ = await uploader.next(id)
        _ = await uploader.answered(id, part: nil, arrived)
        guard case .processing(let seconds) = await uploader.next(id) else { return XCTFail("not processing") }
        try await Task.sleep(nanoseconds: UInt64(seconds * 1e9))
        guard case .failed(let error) = await uploader.next(id) else { return XCTFail("not failed") }
        XCTAssertEqual([error.code, error.reason], ["upload_rejected", "not_an_image"])
    }

    func testOnlyTheMissingPartsAreSent() async throws {
        let list = Reply(status: 200, body: "{\"part_size\": 800, \"missing\": [2, 3]}")
        let signed = Reply(status: 200, body: """
            {"parts": [{"part_number": 2, "url": "https://s3.example/2", "headers": {}},
                       {"part_number": 3, "url": "https://s3.example/3", "headers": {}}]}
            """)
        let whole = Reply(status: 200, body: "{\"part_size\": 800, \"missing\": []}")
        let uploader = uploader(.profiles, .multipart, list, signed, whole, .image)
        let id = try await added(uploader, bytes: 2000)
        guard case .send(let parts, 800, 2000) = await uploader.next(id) else { return XCTFail("nothing to send") }
        XCTAssertEqual(parts.map(\.part), [2, 3])
        XCTAssertEqual(try parts.map { try Data(contentsOf: $0.file).count }, [800, 400])
        for part in parts { _ = await uploader.answered(id, part: part.part, arrived) }
        let step = await uploader.next(id)
        XCTAssertEqual(code(step), "done")
    }

    func testEachOwnerHasItsPathAndAvatarsHaveNoText() {
        let owners = [Owner.ad(7), .user(1), .of("invoice", "a/b")]
        XCTAssertEqual(owners.map(\.ticketPath), [
            "/api/ads/7/upload_image/", "/api/users/1/upload_avatar/", "/api/owners/invoice/a%2Fb/uploads/",
        ])
        XCTAssertEqual(owners.map(\.takesText), [true, false, true])
    }

    func testACaptivePortalSaysNothingAboutTheUpload() async throws {
        let uploader = uploader(.profiles, .put)
        let id = try await added(uploader)
        _ = await uploader.next(id)
        let page = S3Answer(status: 403, headers: ["Content-Type": "text/html"], body: Data("<html>".utf8))
        let step = await uploader.answered(id, part: nil, page)
        XCTAssertNil(step)
        XCTAssertEqual(ScriptedBroker.paths.filter { $0.contains("failures") }, [])
    }

    func testACancelledUploadIsReleasedAsSoonAsThereIsANetwork() async throws {
        let offline = uploader(.profiles, .put, Reply(status: 0))
        let id = try await added(offline)
        _ = await offline.next(id)
        let step = await offline.cancel(id)
        XCTAssertEqual(code(step), "cancelled")
        let online = uploader(Reply(status: 204))
        let later = await online.next(id)
        XCTAssertEqual(code(later), "unknown")
        XCTAssertEqual(ScriptedBroker.paths.count, 1)
        let left = await online.ids()
        XCTAssertEqual(left, [])
    }
}
