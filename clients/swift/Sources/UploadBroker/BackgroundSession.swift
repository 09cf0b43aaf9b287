import Foundation
import UploadBrokerCore
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What the system reports about the transfers.
enum TransferEvent: Sendable {
    /// Bytes of one try that were handed to the network.
    case sent(upload: String, part: Int?, bytes: Int)
    /// `answer` is nil if there was none.
    case ended(upload: String, part: Int?, answer: S3Answer?)
    /// Every event that happened while the app did not run was reported.
    case caughtUp
}

/// The background session. The system sends its files also while the app does not run, and starts the app afterwards.
/// Linux has no such sessions: there, in tests, the files are sent while the process lives.
struct BackgroundSession: Sendable {
    let events: AsyncStream<TransferEvent>
    private let session: URLSession

    init(identifier: String) {
        #if canImport(FoundationNetworking)
        let configuration = URLSessionConfiguration.ephemeral
        #else
        let configuration = URLSessionConfiguration.background(withIdentifier: identifier)
        configuration.isDiscretionary = false  // Do not wait for Wi-Fi and power.
        #endif
        configuration.timeoutIntervalForResource = 24 * 3600  // The default is a week.
        configuration.httpShouldSetCookies = false
        let (events, sink) = AsyncStream.makeStream(of: TransferEvent.self)
        self.events = events
        // The session keeps its delegate. Tasks of an earlier launch report to it as soon as it is created.
        session = URLSession(configuration: configuration, delegate: TransferDelegate(sink: sink), delegateQueue: nil)
    }

    func start(_ transfer: Transfer, of upload: String) {
        var request = URLRequest(url: transfer.url)
        request.httpMethod = "PUT"
        for (field, value) in transfer.headers { request.setValue(value, forHTTPHeaderField: field) }
        let task = session.uploadTask(with: request, fromFile: transfer.file)
        task.taskDescription = "\(upload) \(transfer.part ?? 0)"  // It survives a relaunch.
        #if !canImport(FoundationNetworking)
        task.earliestBeginDate = transfer.after
        #endif
        task.resume()
    }

    func tasks(of upload: String) async -> [URLSessionTask] {
        let all = await withCheckedContinuation { found in session.getAllTasks { found.resume(returning: $0) } }
        return all.filter { $0.name?.upload == upload && $0.state != .completed && $0.state != .canceling }
    }
}

/// The one delegate. The session calls it on its own serial queue, so `bodies` needs no lock.
private final class TransferDelegate: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let sink: AsyncStream<TransferEvent>.Continuation
    private var bodies: [Int: Data] = [:]

    init(sink: AsyncStream<TransferEvent>.Continuation) { self.sink = sink }

    func urlSession(_: URLSession, task: URLSessionTask, didSendBodyData _: Int64, totalBytesSent sent: Int64,
                    totalBytesExpectedToSend _: Int64) {
        guard let (upload, part) = task.name else { return }
        sink.yield(.sent(upload: upload, part: part, bytes: Int(sent)))
    }

    func urlSession(_: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        bodies[dataTask.taskIdentifier, default: Data()].append(data)
    }

    func urlSession(_: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let body = bodies.removeValue(forKey: task.taskIdentifier) ?? Data()
        guard let (upload, part) = task.name else { return }
        // A background session follows redirects, and a URL is signed for one host.
        let isRedirected = task.currentRequest?.url?.host != task.originalRequest?.url?.host
        var answer: S3Answer?
        if error == nil, !isRedirected, let response = task.response as? HTTPURLResponse {
            let headers = response.allHeaderFields.map { (String(describing: $0.key), String(describing: $0.value)) }
            answer = S3Answer(status: response.statusCode, headers: Dictionary(headers) { first, _ in first }, body: body)
        }
        sink.yield(.ended(upload: upload, part: part, answer: answer))
    }

    func urlSessionDidFinishEvents(forBackgroundURLSession _: URLSession) { sink.yield(.caughtUp) }
}

extension URLSessionTask {
    /// The upload and the part that this task sends.
    fileprivate var name: (upload: String, part: Int?)? {
        guard let words = taskDescription?.split(separator: " "), words.count == 2, let part = Int(words[1]) else { return nil }
        return (String(words[0]), part == 0 ? nil : part)
    }
}
