/**
 * @file
 * Arithmetic with times and durations that saturates: a result past either end of the range is that end,
 * ZX_TIME_INFINITE or ZX_TIME_INFINITE_PAST.
 *
 * So any deadline plus any duration is a deadline, and for ever stays for ever. Each function is named for its
 * arguments, zx_<first>_<operation>_<second>, and may be used in constant expressions of C++.
 */

#ifndef ZIRCON_TIME_H_
#define ZIRCON_TIME_H_

#include <stdint.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

/** The instant @p duration after @p time. */
__CONSTEXPR static inline zx_time_t zx_time_add_duration(zx_time_t time, zx_duration_t duration) {
    zx_time_t sum = 0;
    /* A sum overflows only if both have the same sign, which says the end that it passed. */
    if (__builtin_add_overflow(time, duration, &sum)) {
        sum = duration < 0 ? ZX_TIME_INFINITE_PAST : ZX_TIME_INFINITE;
    }
    return sum;
}

/** The instant @p duration before @p time. */
__CONSTEXPR static inline zx_time_t zx_time_sub_duration(zx_time_t time, zx_duration_t duration) {
    zx_time_t difference = 0;
    /* A difference overflows only if the signs differ. The second one says the end that it passed. */
    if (__builtin_sub_overflow(time, duration, &difference)) {
        difference = duration < 0 ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
    }
    return difference;
}

/** How long after @p time2 the instant @p time1 is. */
__CONSTEXPR static inline zx_duration_t zx_time_sub_time(zx_time_t time1, zx_time_t time2) {
    return zx_time_sub_duration(time1, time2);
}

/** Both durations together. */
__CONSTEXPR static inline zx_duration_t zx_duration_add_duration(zx_duration_t dur1, zx_duration_t dur2) {
    return zx_time_add_duration(dur1, dur2);
}

/** How much longer @p dur1 is than @p dur2. */
__CONSTEXPR static inline zx_duration_t zx_duration_sub_duration(zx_duration_t dur1, zx_duration_t dur2) {
    return zx_time_sub_duration(dur1, dur2);
}

/** @p multiplier times the duration. */
__CONSTEXPR static inline zx_duration_t zx_duration_mul_int64(zx_duration_t duration, int64_t multiplier) {
    zx_duration_t product = 0;
    if (__builtin_mul_overflow(duration, multiplier, &product)) {
        product = (duration < 0) == (multiplier < 0) ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
    }
    return product;
}

#endif /* ZIRCON_TIME_H_ */
