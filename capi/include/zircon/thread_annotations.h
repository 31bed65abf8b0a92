/**
 * @file
 * Short names for Clang's thread safety analysis: the data that each lock guards. GCC ignores them.
 */

#ifndef ZIRCON_THREAD_ANNOTATIONS_H_
#define ZIRCON_THREAD_ANNOTATIONS_H_

#include <zircon/compiler.h>

/** The type is a lock; @p x is its name in messages. */
#define TA_CAP(x) __TA_CAPABILITY(x)
/** The variable is guarded by this lock. */
#define TA_GUARDED(x) __TA_GUARDED(x)
/** The function takes these locks. */
#define TA_ACQ(...) __TA_ACQUIRE(__VA_ARGS__)
/** The function takes these locks if it returns the first argument. */
#define TA_TRY_ACQ(...) __TA_TRY_ACQUIRE(__VA_ARGS__)
/** The lock is taken before these. */
#define TA_ACQ_BEFORE(...) __TA_ACQUIRED_BEFORE(__VA_ARGS__)
/** The lock is taken after these. */
#define TA_ACQ_AFTER(...) __TA_ACQUIRED_AFTER(__VA_ARGS__)
/** The function releases these locks. */
#define TA_REL(...) __TA_RELEASE(__VA_ARGS__)
/** The caller of the function has these locks. */
#define TA_REQ(...) __TA_REQUIRES(__VA_ARGS__)
/** The caller of the function has none of these locks. */
#define TA_EXCL(...) __TA_EXCLUDES(__VA_ARGS__)
/** The function returns a reference to this lock. */
#define TA_RET_CAP(x) __TA_RETURN_CAPABILITY(x)
/** The type holds a lock for as long as it lives. */
#define TA_SCOPED_CAP __TA_SCOPED_CAPABILITY
/** The function is not looked at. */
#define TA_NO_THREAD_SAFETY_ANALYSIS __TA_NO_THREAD_SAFETY_ANALYSIS

#endif /* ZIRCON_THREAD_ANNOTATIONS_H_ */
