import Foundation
import XCTest
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

@testable import UploadBrokerCore

/// One answer of the scripted broker; status 0 is no answer.
struct Reply: Sendable {
    var status: Int, body = "{}", headers: [String: String] = [:]

    static func problem(_ status: Int, _ code: String, _ headers: [String: String] = [:]) -> Reply {
        Reply(status: status, body: "{\"code\": \"\(code)\"}", headers: headers)
    }
    static let profiles = Reply(status: 200, body: "{\"ad_image\": {\"multipart_threshold\": 1000}}")
    static let image = Reply(status: 200, body: """
        {"id": 5, "image": "ads/ad_7/a.jpg", "image_url": "https://m.example/a.jpg", "alt_text": "", "order": 0,
         "width": null, "height": null, "thumbhash": null, "variants": [], "created_at": "2026-01-31T12:00:00Z"}
        """)
    static let put = Reply(status: 201, body: """
        {"id": "u1", "upload": {"method": "PUT", "url": "https://s3.example/k", "headers": {"Content-Type": "image/jpeg"}}}
        """)
    static let multipart = Reply(status: 201, body: "{\"id\": \"u1\", \"upload\": {\"method\": \"MULTIPART\"}}")
}

/// Answers the requests of a session from a list, and records them as `METHOD path`.
final class ScriptedBroker: URLProtocol, @unchecked Sendable {
    private static let lock = NSLock()
    nonisolated(unsafe) private static var replies: [Reply] = []
    nonisolated(unsafe) private static var seen: [URLRequest] = []

    static func api(_ script: [Reply], tokens: any Tokens = FixedToken()) -> BrokerAPI {
        lock.withLock { (replies, seen) = (script, []) }
        let configuration = URLSessionConfiguration.ephemeral
        configuration.protocolClasses = [ScriptedBroker.self]
        return BrokerAPI(base: URL(string: "https://broker.example/")!, tokens: tokens, configuration: configuration)
    }
    static var requests: [URLRequest] { lock.withLock { seen } }
    static var paths: [String] {
        requests.map { "\($0.httpMethod ?? "") \($0.url?.absoluteString.dropFirst("https://broker.example".count) ?? "")" }
    }

    override class func canInit(with _: URLRequest) -> Bool { true }
    override class func canonicalRequest(for request: URLRequest) -> URLRequest { request }
    override func stopLoading() {}
    override func startLoading() {
        let reply = ScriptedBroker.lock.withLock { () -> Reply in
            ScriptedBroker.seen.append(request)
            return ScriptedBroker.replies.isEmpty ? Reply(status: 0) : ScriptedBroker.replies.removeFirst()
        }
        guard reply.status > 0, let url = request.url, let answer = HTTPURLResponse(
            url: url, statusCode: reply.status, httpVersion: "HTTP/1.1", headerFields: reply.headers) else {
            client?.urlProtocol(self, didFailWithError: URLError(.networkConnectionLost))
            return
        }
        client?.urlProtocol(self, didReceive: answer, cacheStoragePolicy: .notAllowed)
        client?.urlProtocol(self, didLoad: Data(reply.body.utf8))
        client?.urlProtocolDidFinishLoading(self)
    }
}

struct FixedToken: Tokens {
    func token(for owner: Owner, refused: String?) async throws -> String { refused == nil ? "first" : "second" }
}
