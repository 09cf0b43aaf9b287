import Foundation
import UploadBrokerCore

/// Uploads that go on while the app is in the background, and after it was killed. Create one when the app starts,
/// in `application(_:didFinishLaunchingWithOptions:)`, and keep it.
@MainActor
public final class UploadQueue {
    /// Called once for each upload that has ended, also if the system has started the app in the background.
    public var onEnd: (UploadID, UploadState) -> Void = { _, _ in }

    public typealias UploadID = String
    private let identifier: String
    private let uploader: Uploader
    private let session: BackgroundSession
    private var running: [UploadID: Task<Void, Never>] = [:]  // The last step of each upload.
    private var steps = 0  // Steps that run now.
    private var waits: [UploadID: Int] = [:]  // Waits since the last `resumeAll`.
    private var sleeping: Set<UploadID> = []
    private var states: [UploadID: UploadState] = [:]
    private var sent: [UploadID: [Int: Int]] = [:]  // Bytes of the parts that are being sent.
    private var arrived: [UploadID: (bytes: Int, total: Int)] = [:]
    private var observers: [UploadID: [UUID: AsyncStream<UploadState>.Continuation]] = [:]
    private var systemIsDone: (() -> Void)?
    private var isCaughtUp = false
    private static let maxWaits = 100  // Of one upload. Then the app's next `resumeAll` continues.
    private static let shortWait = 5.0  // Seconds that the system can wait for, too.

    /// - Parameters:
    ///   - broker: The broker's address, such as `https://broker.example`.
    ///   - identifier: The name of the background session. It must be the same at every launch.
    public init(broker: URL, tokens: any Tokens, identifier: String = "upload-broker") throws {
        var folder = try FileManager.default.url(for: .applicationSupportDirectory, in: .userDomainMask,
                                                 appropriateFor: nil, create: true)
            .appendingPathComponent(identifier)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try folder.setResourceValues(values)
        self.identifier = identifier
        uploader = Uploader(broker: broker, tokens: tokens, folder: folder)
        session = BackgroundSession(identifier: identifier)
        Task { [session] in
            for await event in session.events { handle(event) }
        }
        resumeAll()
    }

    /// Copy a file, and start its upload. The same bytes for the same owner are one upload, whatever the file's name,
    /// until it has ended; another `copy` is another upload.
    @discardableResult
    public func enqueue(_ file: URL, contentType: String = "", owner: Owner, altText: String = "", order: Int? = nil,
                        copy: Int = 0) async throws -> UploadID {
        let id = try await uploader.add(file, fileName: file.lastPathComponent, contentType: contentType, owner: owner,
                                        altText: altText, order: order, copy: copy)
        proceed(id)
        return id
    }

    /// Return the states of an upload, beginning with the present one, until it has ended.
    public func states(of id: UploadID) -> AsyncStream<UploadState> {
        let (stream, observer) = AsyncStream.makeStream(of: UploadState.self, bufferingPolicy: .bufferingNewest(1))
        let key = UUID()
        observers[id, default: [:]][key] = observer
        observer.onTermination = { [weak self] _ in
            Task { @MainActor in self?.observers[id]?[key] = nil }
        }
        observer.yield(states[id] ?? .waiting(reason: nil))
        Task {
            if await uploader.progress(of: id) == nil { observer.finish() }
        }
        return stream
    }

    /// Continue all uploads. Call it when the app comes to the foreground, and after the user has signed in.
    public func resumeAll() {
        waits = [:]
        Task {
            for id in await uploader.ids() { proceed(id) }
        }
    }

    /// Stop an upload and release its slot.
    public func cancel(_ id: UploadID) {
        chain(id) { queue in
            for task in await queue.session.tasks(of: id) { task.cancel() }
            await queue.follow(await queue.uploader.cancel(id), id)
        }
    }

    /// Call this from `application(_:handleEventsForBackgroundURLSession:completionHandler:)`. Returns false if the
    /// session is not this queue's.
    public func handleEvents(of identifier: String, completionHandler: @escaping () -> Void) -> Bool {
        guard identifier == self.identifier else { return false }
        systemIsDone = completionHandler
        if steps == 0 { tellSystem() }
        return true
    }

    /// Run the steps of one upload one after the other: two at once could start two tasks for the same bytes.
    private func chain(_ id: UploadID, _ step: @escaping @MainActor (UploadQueue) async -> Void) {
        steps += 1
        running[id] = Task { [before = running[id]] in
            await before?.value
            await step(self)
            steps -= 1
            if steps == 0 { tellSystem() }
        }
    }

    /// If the system waits, let it suspend the app again.
    private func tellSystem() {
        guard isCaughtUp, let done = systemIsDone else { return }
        (systemIsDone, isCaughtUp) = (nil, false)
        done()
    }

    private func proceed(_ id: UploadID) {
        chain(id) { queue in
            if await queue.session.tasks(of: id).isEmpty { return await queue.follow(await queue.uploader.next(id), id) }
            // An earlier launch has started them.
            if queue.arrived[id] == nil { queue.arrived[id] = await queue.uploader.progress(of: id) }
        }
    }

    private func follow(_ step: Step, _ id: UploadID) async {
        switch step {
        case .send(let transfers, let bytes, let total):
            (arrived[id], sent[id]) = ((bytes, total), [:])
            show(.sending(sent: bytes, total: total), id)
            for transfer in transfers { session.start(transfer, of: id) }
        case .wait(let seconds, let reason):
            show(.waiting(reason: reason), id)
            wait(seconds, id)
        case .processing(let seconds):
            show(.processing, id)
            wait(seconds, id)
        case .signIn(let reason): show(.waiting(reason: reason), id)
        case .done(let image): show(.done(image), id)
        case .failed(let error):
            for task in await session.tasks(of: id) { task.cancel() }
            show(.failed(error), id)
        case .unknown: break
        }
    }

    /// Wait beside the steps, so that `cancel` need not wait too.
    private func wait(_ seconds: Double, _ id: UploadID) {
        waits[id, default: 0] += 1
        guard waits[id, default: 0] <= UploadQueue.maxWaits, sleeping.insert(id).inserted else { return }
        let isShort = seconds <= UploadQueue.shortWait
        steps += isShort ? 1 : 0
        Task {
            try? await Task.sleep(nanoseconds: UInt64(seconds * 1e9))
            sleeping.remove(id)
            proceed(id)
            steps -= isShort ? 1 : 0
        }
    }

    private func handle(_ event: TransferEvent) {
        switch event {
        case .sent(let id, let part, let bytes):
            sent[id, default: [:]][part ?? 0] = bytes
            guard let (before, total) = arrived[id] else { return }
            show(.sending(sent: min(before + sent[id, default: [:]].values.reduce(0, +), total), total: total), id)
        case .ended(let id, let part, let answer):
            chain(id) { queue in
                if let step = await queue.uploader.answered(id, part: part, answer) {
                    await queue.follow(step, id)
                } else { queue.proceed(id) }
            }
        case .caughtUp:
            isCaughtUp = true
            if steps == 0 { return tellSystem() }
            Task {
                try? await Task.sleep(nanoseconds: 20_000_000_000)  // The app has about 30 seconds.
                tellSystem()
            }
        }
    }

    private func show(_ state: UploadState, _ id: UploadID) {
        states[id] = state
        for observer in observers[id, default: [:]].values { observer.yield(state) }
        guard state.isFinal else { return }
        for observer in observers[id, default: [:]].values { observer.finish() }
        (states[id], sent[id], arrived[id], waits[id], running[id]) = (nil, nil, nil, nil, nil)
        onEnd(id, state)
    }
}
