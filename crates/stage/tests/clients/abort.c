/* A game that says why, and then gives up without having its words written out. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    printf("cannot open shareware\n");
    abort();
}
