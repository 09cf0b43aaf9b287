package uploadbroker.android

import androidx.work.WorkInfo
import androidx.work.workDataOf
import uploadbroker.Image
import uploadbroker.Progress

/** What a screen shows of one upload. */
public sealed interface UploadState {
    /**
     * It waits for a network, for other uploads, or for its next try.
     *
     * @property reason the code of the last try's failure, such as `network`; null before the first one.
     */
    public data class Waiting(val reason: String?) : UploadState

    /** Its bytes are sent: [sent] of [total]. [sent] decreases when bytes must be sent again. */
    public data class Sending(val sent: Long, val total: Long) : UploadState

    /** The file has arrived, and the broker inspects it. */
    public data object Processing : UploadState

    /** The image is published. */
    public data class Done(val image: Image) : UploadState

    /**
     * It has failed.
     *
     * @property code the code of [uploadbroker.BrokerException], for example `upload_rejected`.
     * @property reason why the broker rejected the file, for example `not_an_image`; otherwise null.
     * @property canRetry whether the file is kept for [UploadQueue.retryAll]: the user must sign in or make room first.
     */
    public data class Failed(val code: String, val reason: String?, val canRetry: Boolean) : UploadState

    /** It was cancelled. */
    public data object Cancelled : UploadState

    /** This id was never enqueued on this device, or more than 30 days ago. */
    public data object Unknown : UploadState
}

private const val SENT = "sent"
private const val TOTAL = "total"

/** Return the progress as WorkManager stores it. */
internal fun progressData(progress: Progress) = workDataOf(SENT to progress.sent, TOTAL to progress.total)

/** Return the state that follows from the stored item and its works. */
internal fun stateOf(item: Item?, works: List<WorkInfo>): UploadState {
    val sending = works.find { SendWorker::class.java.simpleName in it.tags }
    return when {
        item == null -> UploadState.Unknown
        item.image != null -> UploadState.Done(item.image)
        item.isCancelled -> UploadState.Cancelled
        item.failure != null -> with(item.failure) { UploadState.Failed(code, reason, canRetry) }
        sending?.state == WorkInfo.State.SUCCEEDED -> UploadState.Processing
        sending?.state == WorkInfo.State.RUNNING && TOTAL in sending.progress.keyValueMap ->
            UploadState.Sending(sending.progress.getLong(SENT, 0), sending.progress.getLong(TOTAL, 0))
        else -> UploadState.Waiting(item.lastCode)
    }
}
