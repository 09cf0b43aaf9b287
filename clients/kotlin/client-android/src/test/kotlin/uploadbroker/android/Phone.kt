package uploadbroker.android

import android.app.Application
import android.content.ContentProvider
import android.content.ContentValues
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import okhttp3.OkHttpClient
import uploadbroker.Broker
import uploadbroker.Owner
import java.io.File
import java.io.FileNotFoundException
import java.util.concurrent.CopyOnWriteArrayList

/** An app with a queue. */
open class ShopApp : Application(), UploadQueueHost {
    /** The broker's address. */
    @Volatile
    var url: String = Shop.url

    /** The token of the user who has signed in. */
    @Volatile
    var token: String = Shop.token

    /** The owners that a token was asked for. */
    val asked = CopyOnWriteArrayList<Owner?>()
    private val http = OkHttpClient()

    /** Is called before a token is returned. */
    @Volatile
    var onToken: () -> Unit = {}

    override val uploadQueue: UploadQueue by lazy {
        UploadQueue(this) { journal ->
            Broker(url, { owner, _ -> token.also { asked += owner }.also { onToken() } }, journal, http, retries = 0)
        }
    }
}

/** Another app's photos. All have the same file name. */
class Photos : ContentProvider() {
    override fun onCreate() = true

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor = when (val name = uri.lastPathSegment) {
        "denied" -> throw SecurityException("the permission has ended")
        "missing" -> throw FileNotFoundException(name)
        "broken" -> throw IllegalStateException("the provider has a bug")
        else -> ParcelFileDescriptor.open(File(context!!.cacheDir, name!!), ParcelFileDescriptor.MODE_READ_ONLY)
    }

    override fun getType(uri: Uri) = "image/jpeg"

    override fun query(uri: Uri, columns: Array<String>?, where: String?, values: Array<String>?, order: String?): Cursor =
        MatrixCursor(arrayOf(OpenableColumns.DISPLAY_NAME)).apply { addRow(arrayOf("IMG_0001.jpg")) }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun delete(uri: Uri, where: String?, values: Array<String>?) = 0

    override fun update(uri: Uri, values: ContentValues?, where: String?, also: Array<String>?) = 0

    companion object {
        const val AUTHORITY = "photos"

        fun uri(name: String): Uri = Uri.parse("content://$AUTHORITY/$name")
    }
}
