import UploadBrokerCore

/// The state of an upload, for the screen.
public enum UploadState: Equatable, Sendable {
    /// `reason` is the broker's or S3's code, or one of `BrokerError.Own`.
    case waiting(reason: String?)
    /// Bytes.
    case sending(sent: Int, total: Int)
    /// The file is safe, and the broker inspects it.
    case processing
    case done(Image)
    case failed(BrokerError)

    var isFinal: Bool {
        switch self {
        case .done, .failed: return true
        case .waiting, .sending, .processing: return false
        }
    }
}
