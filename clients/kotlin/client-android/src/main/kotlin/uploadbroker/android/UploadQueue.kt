package uploadbroker.android

import android.content.Context
import android.net.Uri
import androidx.work.BackoffPolicy
import androidx.work.Constraints
import androidx.work.ExistingWorkPolicy
import androidx.work.ListenableWorker
import androidx.work.NetworkType
import androidx.work.OneTimeWorkRequest
import androidx.work.OneTimeWorkRequestBuilder
import androidx.work.OutOfQuotaPolicy
import androidx.work.WorkManager
import androidx.work.await
import androidx.work.workDataOf
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.withContext
import uploadbroker.Broker
import uploadbroker.Journal
import uploadbroker.Owner
import java.util.concurrent.TimeUnit

/** The app's `Application` class implements this. WorkManager starts the app without a screen and asks for the queue. */
public interface UploadQueueHost {
    /** The app's only queue. Create it with `by lazy`. */
    public val uploadQueue: UploadQueue
}

/**
 * Uploads that outlive the app's process.
 *
 * [enqueue] copies a file into the app's storage and hands it to WorkManager. WorkManager sends it when there is a
 * network, also after the app was killed or the phone was restarted, and repeats temporary failures with a growing
 * delay, for a week at most. The copy is deleted when the upload has ended; its result is kept for 30 days.
 *
 * Two works send one file. The first ends when the file has arrived, and shows a notification so that the system lets
 * it run for more than ten minutes. The second, without a notification, waits until the image is published.
 *
 * @param context the application.
 * @param notice what the notification says.
 * @param broker creates the broker for one upload. Pass the journal and one shared OkHttpClient to it.
 * @throws IllegalStateException the application is not an [UploadQueueHost].
 */
public class UploadQueue(
    context: Context,
    internal val notice: UploadNotice = UploadNotice(),
    internal val broker: (journal: Journal) -> Broker,
) {
    private val context = context.applicationContext
    private val workManager get() = WorkManager.getInstance(context)

    init {
        requireHost(this.context)
    }

    internal val items = Items(this.context.noBackupFilesDir.resolve("upload-queue"))

    /**
     * Copy a file and put it into the queue. Return its id in this queue, which is valid for [observe] after a restart
     * too.
     *
     * The same file can be enqueued twice, and is then uploaded twice.
     *
     * @param uri what a picker or the camera returned. It is not needed any more when this returns.
     * @param owner who the file belongs to.
     * @param altText the text for people who cannot see the image.
     * @param order the position among the owner's files; null for 0.
     * @throws CopyFailed nothing was enqueued: the file cannot be read, or the storage is full.
     */
    public suspend fun enqueue(uri: Uri, owner: Owner, altText: String = "", order: Int? = null): String {
        val item = withContext(Dispatchers.IO) {
            items.forgetOld()
            items.add(context.contentResolver, uri, owner, altText, order)
        }
        start(item.id)
        return item.id
    }

    /** Return the states of an upload, the present one first. They go on until the collector stops. */
    public fun observe(id: String): Flow<UploadState> = workManager.getWorkInfosForUniqueWorkFlow(id)
        .map { works -> stateOf(items.find(id), works) }
        .distinctUntilChanged()
        .flowOn(Dispatchers.IO)

    /**
     * Stop an upload. Its slot is released when there is a network. An image that is already published stays.
     */
    public suspend fun cancel(id: String) {
        val item = withContext(Dispatchers.IO) { items.update(id) { it.copy(isCancelled = true) } }
        if (item == null || item.image != null) return
        workManager.enqueueUniqueWork(id, ExistingWorkPolicy.REPLACE, request<CancelWorker>(id)).await()
    }

    /**
     * Start all uploads again that failed and [can be retried][UploadState.Failed.canRetry]. Call it when the user has
     * signed in.
     */
    public suspend fun retryAll() {
        val failed = withContext(Dispatchers.IO) {
            val found = items.all().filter { it.failure?.canRetry == true && !it.isCancelled }
            found.onEach { items.update(it.id) { item -> item.startedAgain() } }
        }
        // A failure is stored before WorkManager knows that the work has ended. So the old work must not count.
        for (item in failed) start(item.id, ExistingWorkPolicy.REPLACE)
    }

    private suspend fun start(id: String, policy: ExistingWorkPolicy = ExistingWorkPolicy.KEEP) {
        workManager.beginUniqueWork(id, policy, request<SendWorker>(id) {
            // Starts at once while the user looks on. Later it is a normal work.
            setExpedited(OutOfQuotaPolicy.RUN_AS_NON_EXPEDITED_WORK_REQUEST)
        }).then(request<FinishWorker>(id)).enqueue().await()
    }

    private inline fun <reified W : ListenableWorker> request(
        id: String,
        more: OneTimeWorkRequest.Builder.() -> Unit = {},
    ): OneTimeWorkRequest = OneTimeWorkRequestBuilder<W>()
        .setInputData(workDataOf(ItemWorker.ID to id))
        .addTag(W::class.java.simpleName)
        .setConstraints(Constraints(requiredNetworkType = NetworkType.CONNECTED))
        .setBackoffCriteria(BackoffPolicy.EXPONENTIAL, BACKOFF_SECONDS, TimeUnit.SECONDS)
        .apply(more)
        .build()

    internal companion object {
        private const val BACKOFF_SECONDS = 30L

        /** Return the app's queue. */
        fun of(context: Context): UploadQueue = requireHost(context.applicationContext).uploadQueue

        private fun requireHost(application: Context): UploadQueueHost =
            checkNotNull(application as? UploadQueueHost) {
                "${application.javaClass.name} must implement UploadQueueHost, and be named in the manifest"
            }
    }
}
