import Foundation

/// One PUT that must be sent now: `file` to `url` with exactly these headers.
public struct Transfer: Sendable {
    public let file: URL, url: URL, headers: [String: String]
    /// The number of the part, or nil for a whole file.
    public let part: Int?
    /// Not before this time.
    public let after: Date?
}

/// What must happen next with an upload.
public enum Step: Sendable {
    /// Send these. When all of them have ended, call `next` again. `arrived` bytes of `total` are in the bucket.
    case send([Transfer], arrived: Int, total: Int)
    /// Call `next` again after so many seconds. `reason` is the broker's or S3's code.
    case wait(Double, reason: String)
    /// The file is safe, and the broker inspects it. Call `next` again after so many seconds.
    case processing(Double)
    case done(Image)
    /// The user must sign in. Then call `next` again.
    case signIn(reason: String)
    case failed(BrokerError)
    /// There is no such upload.
    case unknown
}
