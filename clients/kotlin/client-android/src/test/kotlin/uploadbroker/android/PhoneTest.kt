package uploadbroker.android

import android.net.Uri
import android.os.Build
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import org.junit.Before
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.LooperMode
import java.io.File

/** A phone with the app [ShopApp]. */
@RunWith(RobolectricTestRunner::class)
@LooperMode(LooperMode.Mode.INSTRUMENTATION_TEST)
@Config(sdk = [Build.VERSION_CODES.UPSIDE_DOWN_CAKE], application = ShopApp::class, manifest = Config.NONE)
abstract class PhoneTest {
    protected val app get() = RuntimeEnvironment.getApplication() as ShopApp
    protected val queue get() = app.uploadQueue

    @Before
    fun addPhotos() {
        Robolectric.setupContentProvider(Photos::class.java, Photos.AUTHORITY)
    }

    /** Write a photo that other bytes follow, and return its address. */
    protected fun photo(suffix: String = "", bytes: ByteArray = Shop.photo): Uri {
        val file = File.createTempFile("photo", ".jpg", app.cacheDir)
        file.writeBytes(bytes + suffix.toByteArray())
        return Photos.uri(file.name)
    }

    /** The files that the queue still has of an upload. */
    protected fun files(id: String): List<String> =
        File(app.noBackupFilesDir, "upload-queue/$id").walk().filter { it.isFile }.map { it.name }.sorted().toList()

    protected fun test(act: suspend () -> Unit) = runBlocking(Dispatchers.IO) { act() }
}
