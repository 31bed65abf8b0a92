// A handle whose close a test can see.
#ifndef CANARY_H_
#define CANARY_H_

#include "objects.h"

// An event pair: a call must consume one side, and the other side shows it.
struct canary {
    zx_handle_t kept, sent;
};

static inline struct canary make_canary(void) {
    struct canary canary;
    make_eventpair(&canary.kept, &canary.sent);
    return canary;
}

static inline bool is_lost(struct canary canary) {
    return signals_of(canary.kept) & ZX_EVENTPAIR_PEER_CLOSED;
}

#endif // CANARY_H_
