package uploadbroker.android

import android.net.ConnectivityManager
import android.net.Network
import android.net.NetworkCapabilities
import androidx.work.Configuration
import androidx.work.WorkManager
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowNetwork
import uploadbroker.Owner
import java.io.File
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** The app, with the folder of WorkManager and of the queue in storage that outlives the process. */
class LastingShopApp : ShopApp() {
    override fun getNoBackupFilesDir(): File = File(System.getProperty("app.storage")).apply { mkdirs() }
}

/**
 * An app with WorkManager as it is, and with storage that outlives the process.
 *
 * @property hours how late it is: Robolectric's clock, which WorkManager's delays use, stands still.
 */
@Config(application = LastingShopApp::class)
abstract class LastingApp(private val hours: Int) : PhoneTest() {
    protected val notes = File(System.getProperty("app.storage"), "notes")

    @Before
    fun start() {
        val settings = Configuration.Builder().setClock { System.currentTimeMillis() + hours * 3_600_000L }
        WorkManager.initialize(app, settings.build())
    }

    /** Wait for a state while there is a network. Robolectric has one, but does not say so to those who listen. */
    protected suspend fun online(id: String, matches: (UploadState) -> Boolean) = coroutineScope {
        val network = launch {
            while (true) {
                for (listener in listeners()) {
                    listener.onCapabilitiesChanged(NETWORK, CONNECTED)
                    listener.onBlockedStatusChanged(NETWORK, false)
                }
                delay(100.milliseconds)
            }
        }
        withTimeout(60.seconds) { queue.observe(id).first(matches) }
        network.cancel()
    }

    private fun listeners() = shadowOf(app.getSystemService(ConnectivityManager::class.java)).networkCallbacks

    private companion object {
        val NETWORK: Network = ShadowNetwork.newInstance(1)
        val CONNECTED: NetworkCapabilities = NetworkCapabilities.Builder()
            .addCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET)
            .addCapability(NetworkCapabilities.NET_CAPABILITY_VALIDATED)
            .addCapability(NetworkCapabilities.NET_CAPABILITY_NOT_VCN_MANAGED)
            .build()
    }
}

/** The first process. The system kills it when the file has been sent, before it is confirmed. */
class KilledApp : LastingApp(hours = 0) {
    @Test
    fun run() = test {
        val ad = Shop.newAd()
        app.onToken = { if (app.asked.size == 3) Runtime.getRuntime().halt(9) }
        val id = queue.enqueue(photo(), Owner.ad(ad))
        notes.writeText("$ad $id")
        online(id) { it is UploadState.Done }
    }
}

/** The second process. Nobody enqueues anything. */
class RestartedApp : LastingApp(hours = 1) {
    @Test
    fun run() = test {
        val (ad, id) = notes.readText().split(" ")
        online(id) { it is UploadState.Done }
        assertEquals(1, Shop.images(ad.toLong()).size)
        assertEquals(0, Shop.unfinished(ad.toLong()).size)
    }
}
