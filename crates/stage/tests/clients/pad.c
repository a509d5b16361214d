// Prints what its game controller does, and rumbles once: pad
#include <SDL.h>
#include <stdio.h>

int main(int count, char **words) {
    SDL_Event event;
    SDL_GameController *pad = NULL;
    (void)count, (void)words;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (SDL_Init(SDL_INIT_GAMECONTROLLER)) return puts(SDL_GetError()), 1;
    printf("ready with %d\n", SDL_NumJoysticks());
    while (SDL_WaitEvent(&event)) {
        switch (event.type) {
        case SDL_CONTROLLERDEVICEADDED:
            pad = SDL_GameControllerOpen(event.cdevice.which);
            if (!pad) return puts(SDL_GetError()), 1;
            printf("added %s type %d\n", SDL_GameControllerName(pad), SDL_GameControllerGetType(pad));
            printf("mapping %s\n", SDL_GameControllerMapping(pad));
            break;
        case SDL_CONTROLLERDEVICEREMOVED:
            puts("removed");
            SDL_GameControllerClose(pad);
            break;
        case SDL_CONTROLLERBUTTONDOWN:
        case SDL_CONTROLLERBUTTONUP:
            printf("%s %s\n", SDL_GameControllerGetStringForButton(event.cbutton.button),
                   event.cbutton.state ? "down" : "up");
            if (event.cbutton.button == SDL_CONTROLLER_BUTTON_Y && event.cbutton.state)
                printf("rumble %d\n", SDL_GameControllerRumble(pad, 0x8000, 0x1234, 300));
            break;
        case SDL_CONTROLLERAXISMOTION:
            printf("%s %d\n", SDL_GameControllerGetStringForAxis(event.caxis.axis), event.caxis.value);
            break;
        case SDL_QUIT:
            return 0;
        }
    }
    return 1;
}
