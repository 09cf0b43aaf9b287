import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The app's own tokens.
public protocol Tokens: Sendable {
    /// Return a token for requests about this owner. If the broker `refused` one, return another.
    func token(for owner: Owner, refused: String?) async throws -> String
}

/// What `confirm` and `complete` return.
enum Recorded {
    case image(Image)
    /// The file has arrived, and the broker inspects it. Ask again, not before `retryAfter` seconds.
    case processing(retryAfter: Double?)
}

/// One request to the broker's API at a time. It repeats only what another token can change.
struct BrokerAPI: Sendable {
    let base: URL
    let tokens: any Tokens
    private let session: URLSession

    init(base: URL, tokens: any Tokens, configuration: URLSessionConfiguration = .ephemeral) {
        (self.base, self.tokens) = (base, tokens)
        session = URLSession(configuration: configuration, delegate: NoRedirects(), delegateQueue: nil)
    }

    /// Send a request and return the answer's JSON. Throws a `BrokerError`.
    func call<T: Decodable>(_: T.Type, _ method: String, _ path: String, _ owner: Owner,
                            body: Data? = nil, key: String? = nil) async throws -> T {
        let (data, answer) = try await authorized(method, path, owner, body, key)
        guard let value = try? JSONDecoder().decode(T.self, from: data) else { throw unexpected(answer) }
        return value
    }

    /// Call `confirm` or `complete`.
    func record(_ path: String, _ owner: Owner) async throws -> Recorded {
        let (data, answer) = try await authorized("POST", path, owner, nil, nil)
        if answer.statusCode == 202 { return .processing(retryAfter: retryAfter(answer)) }
        guard let image = try? JSONDecoder().decode(Image.self, from: data) else { throw unexpected(answer) }
        return .image(image)
    }

    /// Give the ticket back. Its slot is free again.
    func cancel(_ upload: String, _ owner: Owner) async throws {
        _ = try await authorized("DELETE", "/api/uploads/\(upload)/", owner, nil, nil)
    }

    /// After any 401 the app is asked once for another token. A second 401 in a row is final.
    private func authorized(_ method: String, _ path: String, _ owner: Owner, _ body: Data?,
                            _ key: String?) async throws -> (Data, HTTPURLResponse) {
        let token = try await token(owner, nil)
        do {
            return try await send(method, path, body, key, token)
        } catch let error as BrokerError where error.status == 401 {
            let other = try await self.token(owner, token)
            if other == token { throw error }
            return try await send(method, path, body, key, other)
        }
    }

    private func token(_ owner: Owner, _ refused: String?) async throws -> String {
        do {
            return try await tokens.token(for: owner, refused: refused)
        } catch { throw BrokerError(code: .tokenFailed) }
    }

    private func send(_ method: String, _ path: String, _ body: Data?, _ key: String?,
                      _ token: String) async throws -> (Data, HTTPURLResponse) {
        let root = base.absoluteString.hasSuffix("/") ? String(base.absoluteString.dropLast()) : base.absoluteString
        guard let url = URL(string: root + path) else { throw BrokerError(code: .unexpectedAnswer) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.httpBody = body
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        if body != nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
        if let key { request.setValue(key, forHTTPHeaderField: "Idempotency-Key") }
        let (data, answer) = try await exchange(request)
        if (200..<300).contains(answer.statusCode) { return (data, answer) }
        guard let problem = try? JSONDecoder().decode(Problem.self, from: data) else { throw unexpected(answer) }
        throw BrokerError(code: problem.code, status: answer.statusCode, reason: problem.reason,
                          retryAfter: retryAfter(answer))
    }

    private func exchange(_ request: URLRequest) async throws -> (Data, HTTPURLResponse) {
        try await withCheckedThrowingContinuation { continuation in
            session.dataTask(with: request) { data, response, _ in
                if let answer = response as? HTTPURLResponse {
                    continuation.resume(returning: (data ?? Data(), answer))
                } else { continuation.resume(throwing: BrokerError(code: .network)) }
            }.resume()
        }
    }

    private func unexpected(_ answer: HTTPURLResponse) -> BrokerError {
        BrokerError(code: .unexpectedAnswer, status: answer.statusCode, retryAfter: retryAfter(answer))
    }

    private func retryAfter(_ answer: HTTPURLResponse) -> Double? {
        answer.value(forHTTPHeaderField: "Retry-After").flatMap(Double.init)
    }
}

/// A redirect would send the token to another host.
private final class NoRedirects: NSObject, URLSessionTaskDelegate, Sendable {
    func urlSession(_: URLSession, task _: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse,
                    newRequest _: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void) {
        completionHandler(nil)
    }
}
