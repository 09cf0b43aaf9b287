import Foundation

// The bodies of requests and answers, field by field as the broker writes them.

/// A ticket request: the file that the app will send.
struct NewFile: Codable, Equatable {
    var fileName: String, contentType: String, size: Int, checksum: String, transport: String
    var altText: String?, order: Int?

    enum CodingKeys: String, CodingKey {
        case fileName = "file_name", contentType = "content_type", size, checksum = "checksum_sha256", transport
        case altText = "alt_text", order
    }
}

/// Where and how to send one file. `id` is the upload's.
struct Ticket: Decodable {
    var id: String, upload: Target
}

/// `method` is PUT, with `url` and `headers`, or MULTIPART.
struct Target: Decodable {
    var method: String, url: URL?, headers: [String: String]?
}

/// The progress of a multipart upload: the numbers of the parts that S3 does not have.
struct PartList: Decodable {
    var partSize: Int, missing: [Int]

    enum CodingKeys: String, CodingKey { case partSize = "part_size", missing }
}

/// Parts to sign. Each has a digest.
struct WantedParts: Encodable {
    var parts: [WantedPart]
}

struct WantedPart: Encodable {
    var number: Int, checksum: String

    enum CodingKeys: String, CodingKey { case number = "part_number", checksum = "checksum_sha256" }
}

struct SignedParts: Decodable {
    var parts: [SignedPart]
}

struct SignedPart: Decodable {
    var number: Int, url: URL, headers: [String: String]

    enum CodingKeys: String, CodingKey { case number = "part_number", url, headers }
}

/// S3's error, as it is reported to the broker.
struct FailureReport: Encodable {
    var code: String, message: String
}

/// The broker's answer to a report: `retry`, `renew`, `confirm` or `give_up`.
struct Advice: Decodable {
    var action: String
}

/// The limits of one profile, in bytes.
struct Profile: Decodable {
    var multipartThreshold: Int

    enum CodingKeys: String, CodingKey { case multipartThreshold = "multipart_threshold" }
}

/// An error of the broker. `reason` says why an upload was rejected.
struct Problem: Decodable {
    var code: String, reason: String?
}

/// A published image or document.
public struct Image: Codable, Equatable, Sendable {
    public var id: Int64
    /// The object key without the location.
    public var image: String
    /// Null for a private profile.
    public var imageURL: URL?
    public var altText: String, order: Int
    /// In pixels, upright. Without inspection these are null, and there are no variants.
    public var width: Int?, height: Int?
    /// A placeholder in base64, see https://evanw.github.io/thumbhash/
    public var thumbhash: String?
    /// The narrowest first.
    public var variants: [Variant]
    /// RFC 3339, in UTC.
    public var createdAt: String

    enum CodingKeys: String, CodingKey {
        case id, image, imageURL = "image_url", altText = "alt_text", order, width, height, thumbhash, variants
        case createdAt = "created_at"
    }
}

/// A smaller version of an image.
public struct Variant: Codable, Equatable, Sendable {
    public var width: Int, height: Int, contentType: String, url: URL?

    enum CodingKeys: String, CodingKey { case width, height, contentType = "content_type", url }
}
