package uploadbroker.android

import android.content.Context
import androidx.work.CoroutineWorker
import androidx.work.WorkerParameters
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import uploadbroker.Broker
import uploadbroker.BrokerException
import java.util.concurrent.ConcurrentHashMap

/**
 * A work for one item of the queue. Only one work of an item runs at a time: WorkManager starts the one that replaces
 * another before the other has stopped.
 */
internal abstract class ItemWorker(context: Context, parameters: WorkerParameters) :
    CoroutineWorker(context, parameters) {
    private val id = checkNotNull(inputData.getString(ID))
    protected val queue: UploadQueue = UploadQueue.of(context)
    protected val items: Items get() = queue.items

    /** Do the work. The file and the journal of an item that has ended are deleted afterwards. */
    protected abstract suspend fun act(item: Item, broker: Broker): Result

    /** What happens after an error of the broker's client. */
    protected abstract fun failed(item: Item, error: BrokerException): Result

    final override suspend fun doWork(): Result = withContext(Dispatchers.IO) {
        RUNNING.getOrPut(id) { Mutex() }.withLock {
            val item = items.find(id)
            if (item == null) Result.failure() else result(item)
        }
    }

    private suspend fun result(item: Item): Result = try {
        act(item, queue.broker(items.journal(id)))
    } catch (error: BrokerException) {
        failed(item, error)
    }

    companion object {
        const val ID = "id"
        private val RUNNING = ConcurrentHashMap<String, Mutex>()
    }
}
