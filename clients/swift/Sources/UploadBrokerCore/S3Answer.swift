import Foundation

/// An answer to a PUT. S3's own answers are told from those of a captive portal or a proxy.
public struct S3Answer: Sendable {
    public let status: Int
    /// Header names in lower case.
    public let headers: [String: String]
    private let text: String

    public init(status: Int, headers: [String: String], body: Data) {
        self.status = status
        self.headers = Dictionary(headers.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
        self.text = String(decoding: body.prefix(1 << 16), as: UTF8.self)
    }

    /// An error is S3's only with S3's document. A success needs S3's headers, and no web page.
    var isFromS3: Bool {
        guard (200..<300).contains(status) else { return begins(with: "Error") && !code.isEmpty }
        if begins(with: "PostResponse") { return true }
        let page = text.prefix(1000).range(of: "<html[ >]", options: [.regularExpression, .caseInsensitive])
        return (headers["etag"] ?? headers["x-amz-request-id"]) != nil && page == nil
    }

    /// S3's code, or an empty text.
    var code: String { String(tag("Code").prefix(100)) }
    var message: String { String(tag("Message").prefix(1000)) }
    var retryAfter: Double? { headers["retry-after"].flatMap(Double.init) }

    /// The answer as the retry rules use it. `nil` is no answer.
    static func failure(of answer: S3Answer?, tries: Int) -> Failure {
        guard let answer else { return Failure(code: BrokerError.Own.network.rawValue, tries: tries) }
        guard answer.isFromS3 else {
            return Failure(status: answer.status, code: "HTTP\(answer.status)", retryAfter: answer.retryAfter,
                           fromProxy: true, tries: tries)
        }
        return Failure(status: answer.status, code: answer.code, message: answer.message,
                       retryAfter: answer.retryAfter, tries: tries)
    }

    /// Check whether the body is an XML document with this element at the top.
    private func begins(with element: String) -> Bool {
        text.range(of: "^\\s*(<\\?xml[^>]*>\\s*)?<\(element)[\\s>]", options: .regularExpression) != nil
    }

    /// Return the text of the first element with this name. An XML parser would expand entities that anybody on
    /// the way can send.
    private func tag(_ name: String) -> String {
        guard let start = text.range(of: "<\(name)>"),
              let end = text.range(of: "</\(name)>", range: start.upperBound..<text.endIndex) else { return "" }
        return String(text[start.upperBound..<end.lowerBound])
    }
}
