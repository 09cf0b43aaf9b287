package uploadbroker.android

import android.net.Uri
import androidx.work.Configuration
import androidx.work.WorkInfo
import androidx.work.WorkManager
import androidx.work.testing.WorkManagerTestInitHelper
import androidx.work.testing.WorkManagerTestInitHelper.ExecutorsMode
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Before
import uploadbroker.Owner
import java.util.concurrent.Executors
import kotlin.time.Duration.Companion.seconds

/** A phone whose WorkManager is driven by the test: it has a network when the test says so. */
abstract class QueueTest : PhoneTest() {
    private val threads = Executors.newCachedThreadPool()
    private val workManager get() = WorkManager.getInstance(app)

    /** The time of WorkManager, in milliseconds. */
    @Volatile
    protected var now = System.currentTimeMillis()

    @Before
    fun start() {
        val settings = Configuration.Builder().setExecutor(threads).setTaskExecutor(threads).setClock { now }.build()
        WorkManagerTestInitHelper.initializeTestWorkManager(app, settings, ExecutorsMode.PRESERVE_EXECUTORS)
    }

    @After
    fun stop() {
        workManager.cancelAllWork().result.get()
        WorkManagerTestInitHelper.closeWorkDatabase()
        threads.shutdown()
    }

    protected suspend fun enqueue(ad: Long, uri: Uri = photo()): String = queue.enqueue(uri, Owner.ad(ad))

    /** Return the first state that matches, or that the upload ends with. */
    protected suspend inline fun <reified S : UploadState> until(id: String): S =
        withTimeout(60.seconds) { queue.observe(id).first { it is S || it is UploadState.Failed } as S }

    /** As [until], while there is a network. */
    protected suspend inline fun <reified S : UploadState> online(id: String): S = withNetwork(id) { until(id) }

    protected suspend fun <T> withNetwork(id: String, act: suspend () -> T): T = coroutineScope {
        val network = launch(Dispatchers.IO) {
            workManager.getWorkInfosForUniqueWorkFlow(id).collect { it.forEach(::connect) }
        }
        try {
            act()
        } finally {
            network.cancel()
        }
    }

    /** Let one try of a work run. */
    protected suspend fun tryOnce(id: String): WorkInfo {
        val before = work(id)
        connect(before)
        return withTimeout(60.seconds) {
            workManager.getWorkInfosForUniqueWorkFlow(id).first { works ->
                works.any { it.id == before.id && it.runAttemptCount > before.runAttemptCount && it.isEnqueued() }
            }
        }.first { it.id == before.id }
    }

    /** Return the work of an upload that waits for a network. */
    protected suspend fun work(id: String): WorkInfo =
        workManager.getWorkInfosForUniqueWorkFlow(id).first().first { it.isEnqueued() }

    /** Wait until all works of an upload have ended. */
    protected suspend fun finished(id: String): List<WorkInfo> = withTimeout(60.seconds) {
        workManager.getWorkInfosForUniqueWorkFlow(id).first { works -> works.all { it.state.isFinished } }
    }

    private fun connect(work: WorkInfo) {
        if (work.isEnqueued()) checkNotNull(WorkManagerTestInitHelper.getTestDriver(app)).setAllConstraintsMet(work.id)
    }

    private fun WorkInfo.isEnqueued() = state == WorkInfo.State.ENQUEUED
}
