package uploadbroker.android

import android.content.Context
import androidx.work.ForegroundInfo
import androidx.work.WorkerParameters
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.withTimeoutOrNull
import uploadbroker.Broker
import uploadbroker.BrokerException
import uploadbroker.Image
import uploadbroker.Progress
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.TimeSource

private val BETWEEN_PROGRESS = 500.milliseconds

/** The system stops a work without a notification after ten minutes. */
private val WAIT_FOR_IMAGE = 8.minutes
private const val MAX_CANCELS = 10

/** A work that brings an upload forward. */
internal abstract class UploadWorker(context: Context, parameters: WorkerParameters) : ItemWorker(context, parameters) {
    /** Do one step of an upload that has not ended. */
    protected abstract suspend fun step(item: Item, broker: Broker): Result

    final override suspend fun act(item: Item, broker: Broker): Result = when {
        item.isEnded -> Result.success()
        item.mustWait() -> Result.retry()
        else -> step(item, broker)
    }

    final override fun failed(item: Item, error: BrokerException): Result {
        val failure = items.update(item.id) { it.after(error) }?.failure ?: return Result.retry()
        if (!failure.canRetry) items.deleteFiles(item.id)
        return Result.failure()
    }

    protected fun done(item: Item, image: Image): Result {
        items.update(item.id) { it.copy(image = image) }
        items.deleteFiles(item.id)
        return Result.success()
    }
}

/** Sends the file. */
internal class SendWorker(context: Context, parameters: WorkerParameters) : UploadWorker(context, parameters) {
    private var uploadId: String? = null
    private var shownAt: TimeSource.Monotonic.ValueTimeMark? = null

    override suspend fun step(item: Item, broker: Broker): Result {
        if (items.hasArrived(item)) return Result.success()
        showNotification(item)
        val upload = broker.send(items.source(item), item.owner, item.altText, item.order) { show(item, it) }
        return upload.image?.let { done(item, it) } ?: Result.success()
    }

    override suspend fun getForegroundInfo(): ForegroundInfo {
        val item = checkNotNull(items.find(checkNotNull(inputData.getString(ID))))
        return queue.notice.of(applicationContext, item)
    }

    /** The system may refuse it while the app is in the background. The work then runs for ten minutes at a time. */
    private suspend fun showNotification(item: Item) {
        try {
            setForeground(queue.notice.of(applicationContext, item))
        } catch (error: CancellationException) {
            throw error
        } catch (_: IllegalStateException) {
        }
    }

    /** The first call has the broker's id before the first byte is sent. An upload that has expired gets another id. */
    private fun show(item: Item, progress: Progress) {
        if (uploadId != progress.uploadId) items.update(item.id) { it.copy(uploadId = progress.uploadId) }
        uploadId = progress.uploadId
        val isRecent = shownAt.let { it != null && it.elapsedNow() < BETWEEN_PROGRESS }
        if (isRecent && progress.sent < progress.total) return
        shownAt = TimeSource.Monotonic.markNow()
        setProgressAsync(progressData(progress))
    }
}

/** Waits until the image is published. */
internal class FinishWorker(context: Context, parameters: WorkerParameters) : UploadWorker(context, parameters) {
    override suspend fun step(item: Item, broker: Broker): Result {
        val id = checkNotNull(item.uploadId)
        val image = withTimeoutOrNull(WAIT_FOR_IMAGE) { broker.confirm(id, item.owner) } ?: return Result.retry()
        return done(item, image)
    }
}

/** Releases the slot of an upload that the user has cancelled. */
internal class CancelWorker(context: Context, parameters: WorkerParameters) : ItemWorker(context, parameters) {
    override suspend fun act(item: Item, broker: Broker): Result {
        if (item.uploadId != null) broker.cancel(item.uploadId, item.owner)
        else broker.cancel(items.source(item), item.owner)
        return ended(item)
    }

    /** If it cannot be cancelled, it expires. */
    override fun failed(item: Item, error: BrokerException): Result =
        if (error.isTemporary && runAttemptCount < MAX_CANCELS) Result.retry() else ended(item)

    private fun ended(item: Item): Result {
        items.deleteFiles(item.id)
        return Result.success()
    }
}
