// Plays a tone for so many milliseconds: tone <hertz> <rate> <milliseconds>
#include <SDL.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double hertz, rate;

static void fill(void *unused, Uint8 *bytes, int len) {
    static long at;
    Sint16 *samples = (Sint16 *)bytes;
    (void)unused;
    for (int i = 0; i < len / 4; i++, at++)
        samples[2 * i] = samples[2 * i + 1] = (Sint16)(16000 * sin(6.283185307 * hertz * (double)at / rate));
}

int main(int count, char **words) {
    SDL_AudioSpec want = {0};
    if (count < 4 || SDL_Init(SDL_INIT_AUDIO)) return puts(SDL_GetError()), 1;
    hertz = atof(words[1]);
    rate = want.freq = atoi(words[2]);
    want.format = AUDIO_S16;
    want.channels = 2;
    want.samples = 512;
    want.callback = fill;
    SDL_AudioDeviceID device = SDL_OpenAudioDevice(NULL, 0, &want, NULL, 0);
    if (!device) return puts(SDL_GetError()), 1;
    printf("driver %s\n", SDL_GetCurrentAudioDriver());
    fflush(stdout);
    SDL_PauseAudioDevice(device, 0);
    SDL_Delay(atoi(words[3]));
    SDL_Quit();
    return 0;
}
