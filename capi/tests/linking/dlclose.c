// Opens the library by name, as a host of plugins does, makes calls, and closes it after it has started threads.
#define _GNU_SOURCE

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static int32_t (*event_create)(uint32_t, uint32_t*);

static void* create(void* unused) {
    (void)unused;
    uint32_t event = 0;
    // This thread has values of its own in the library, whose destructors run when it ends.
    if (event_create(0, &event) != 0 || event == 0)
        return (void*)"the call fails";
    return NULL;
}

int main(int argc, char** argv) {
    void* library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void**)&event_create = dlsym(library, "zx_event_create");
    if (event_create == NULL)
        return 1;
    pthread_t thread;
    void* failure = NULL;
    pthread_create(&thread, NULL, create, NULL);
    pthread_join(thread, &failure);
    if (failure != NULL) {
        fprintf(stderr, "%s\n", (const char*)failure);
        return 1;
    }
    dlclose(library);
    // The library's threads would have crashed by now if it were unloaded.
    usleep(200000);
    return create(NULL) == NULL ? 0 : 1;
}
