package androidx.work

import android.content.res.Resources

/** Gradle generates this from WorkManager's resources. Its only resource that the tests need is false. */
@Suppress("ClassName", "EnumEntryName")
class R {
    object bool {
        @JvmField
        val workmanager_test_configuration =
            Resources.getSystem().getIdentifier("config_allowAllRotations", "bool", "android")
    }
}
