/** Gives hls.js the files that came in a bundle; what is not in it is fetched as usual. */

import Hls, { type Loader, type LoaderCallbacks, type LoaderConfiguration, type LoaderContext } from "hls.js";
import type { Arrived, Bundle } from "./bundle";

type Loading = typeof Hls.DefaultConfig.loader;

/** A loader for hls.js that looks into the bundle first. */
export function bundled(bundle: Bundle): Loading {
  return class Bundled extends Hls.DefaultConfig.loader implements Loader<LoaderContext> {
    #over = false;

    override load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
      const file = context.rangeEnd ? undefined : bundle.take(new URL(context.url, location.href).href);
      if (!file) return super.load(context, config, callbacks);
      this.context = context;
      this.stats.loading.start = performance.now();
      void file.then((arrived) => {
        if (this.#over) return;
        if (arrived) return this.#give(arrived, context, callbacks);
        // A loader that has begun already would refuse to.
        this.stats.loading.start = 0;
        super.load(context, config, callbacks);
      });
    }

    override abort(): void {
      this.#over = true;
      super.abort();
    }

    override destroy(): void {
      this.#over = true;
      super.destroy();
    }

    #give({ data, began, ended }: Arrived, context: LoaderContext, callbacks: LoaderCallbacks<LoaderContext>): void {
      const { stats } = this;
      const length = data.byteLength;
      stats.loading = { start: began, first: began, end: Math.max(ended, began + 1) };
      stats.loaded = stats.total = length;
      stats.bwEstimate = (length * 8000) / (stats.loading.end - began);
      const text = context.responseType === "text";
      const response = { url: context.url, code: 200, data: text ? new TextDecoder().decode(data) : data.buffer };
      if (!text) callbacks.onProgress?.(stats, context, data.buffer, null);
      callbacks.onSuccess(response, stats, context, null);
    }
  };
}
