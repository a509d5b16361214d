/** Small changes of session descriptions, as pure functions over their text. */

/** Asks for stereo: a browser that offers Opus without saying so plays one channel. */
export function withStereo(offer: string): string {
  const payload = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/im.exec(offer)?.[1];
  if (!payload) return offer;
  return offer.replace(new RegExp(`^(a=fmtp:${payload} )(.*)$`, "m"), (line, head: string, parameters: string) =>
    /\bstereo=1/.test(parameters) ? line : `${head}${parameters};stereo=1`,
  );
}

/**
 * Puts each track into a stream of its own: a browser delays the picture to keep it together with the sound of the
 * same stream, and the sound waits longer in its buffer than the picture may.
 */
export function separateStreams(answer: string): string {
  let section = "";
  return answer
    .split("\r\n")
    .map((line) => {
      if (line.startsWith("m=")) section = line.slice(2, line.indexOf(" "));
      const own = `playhouse-${section}`;
      return line
        .replace(/^a=msid:\S+ (.*)$/, `a=msid:${own} $1`)
        .replace(/^(a=ssrc:\d+ msid:)\S+ (.*)$/, `$1${own} $2`);
    })
    .join("\r\n");
}

/** ICE servers out of WHEP's `Link` headers. */
export function iceServers(link: string | null): RTCIceServer[] {
  if (!link) return [];
  return [...link.matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^\s;,]+))*)/g)].flatMap(([, url, rest]) => {
    const parameters = Object.fromEntries(
      [...(rest ?? "").matchAll(/;\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s;,]+))/g)].map(([, name, quoted, bare]) => [
        name,
        quoted ?? bare ?? "",
      ]),
    ) as Record<string, string>;
    if (parameters.rel !== "ice-server" || !url) return [];
    const { username, credential } = parameters;
    return [{ urls: url, ...(username !== undefined && { username }), ...(credential !== undefined && { credential }) }];
  });
}

/** The body of a trickle PATCH (RFC 8840): the candidates found so far, under their first media section. */
export function fragment(offer: string, candidates: readonly RTCIceCandidate[]): string {
  const line = (name: string) => new RegExp(`^a=${name}:.*$`, "m").exec(offer)?.[0].trimEnd();
  const media = /^m=.*$/m.exec(offer)?.[0].trimEnd();
  const mid = line("mid");
  const lines = [line("ice-ufrag"), line("ice-pwd"), media, mid, ...candidates.map((each) => `a=${each.candidate}`)];
  return `${lines.filter((each) => each !== undefined).join("\r\n")}\r\n`;
}
