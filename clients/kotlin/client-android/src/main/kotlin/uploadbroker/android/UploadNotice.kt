package uploadbroker.android

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.content.Context
import android.content.pm.ServiceInfo
import androidx.work.ForegroundInfo

private const val CHANNEL = "upload-queue"

/**
 * The notification that the system shows while a file is sent. Since Android 13 it appears only if the user has
 * granted `POST_NOTIFICATIONS`. The upload runs without it, too.
 *
 * @property title the title, in the user's language. The text is the file's name.
 * @property channelName the name of the channel in the system's settings.
 * @property icon the resource of the small icon.
 */
public data class UploadNotice(
    val title: String = "Uploading",
    val channelName: String = "Uploads",
    val icon: Int = android.R.drawable.stat_sys_upload,
) {
    internal fun of(context: Context, item: Item): ForegroundInfo {
        context.getSystemService(NotificationManager::class.java).createNotificationChannel(
            NotificationChannel(CHANNEL, channelName, NotificationManager.IMPORTANCE_LOW),
        )
        val notification = Notification.Builder(context, CHANNEL)
            .setContentTitle(title)
            .setContentText(item.fileName)
            .setSmallIcon(icon)
            .setProgress(0, 0, true)
            .setOngoing(true)
            .build()
        return ForegroundInfo(item.id.hashCode(), notification, ServiceInfo.FOREGROUND_SERVICE_TYPE_DATA_SYNC)
    }
}
