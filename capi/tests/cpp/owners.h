// Checks of owners for the C++ tests.
#ifndef OWNERS_H_
#define OWNERS_H_

#include "../c/check.h"

#include <jacinth.hpp>

// Whether the value names a live handle of this process.
inline bool is_open(zx_handle_t value) {
    return zx_object_get_info(value, ZX_INFO_HANDLE_VALID, nullptr, 0, nullptr, nullptr) == ZX_OK;
}

inline zx_info_handle_basic_t basic(const zx::object_base& owner) {
    zx_info_handle_basic_t info = {};
    CHECK_OK(owner.get_info(ZX_INFO_HANDLE_BASIC, &info, sizeof(info), nullptr, nullptr));
    return info;
}

inline zx_koid_t koid_of(const zx::object_base& owner) {
    return basic(owner).koid;
}

inline zx_obj_type_t type_of(const zx::object_base& owner) {
    return basic(owner).type;
}

inline zx::event new_event() {
    zx::event event;
    CHECK_OK(zx::event::create(0, &event));
    return event;
}

#endif  // OWNERS_H_
