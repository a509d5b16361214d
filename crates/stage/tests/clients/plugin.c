/* A game whose own program knows nothing of SDL: it loads the rest of itself, as games in Perl and Python do. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    void *rest = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!rest) {
        printf("%s\n", dlerror());
        return 1;
    }
    int (*begin)(int, char **) = (int (*)(int, char **))dlsym(rest, "main");
    return begin(argc - 1, argv + 1);
}
