//! Small, pure changes to session descriptions. Everything else in an SDP is the browser's and the
//! node's business.

/** Asks the sender of every Opus line to stop sending in silence (DTX) and to carry in-band FEC.
 *  A sender obeys the `fmtp` of the *answer*, so this is applied to what the node sent. */
export function withOpusOptions(sdp: string): string {
  const lines = sdp.split('\r\n');
  const opus = new Set<string>();
  for (const line of lines) {
    const found = /^a=rtpmap:(\d+) opus\/48000/i.exec(line);
    if (found?.[1] !== undefined) opus.add(found[1]);
  }
  return eachMedia(lines, (media) => {
    if (!media[0]?.startsWith('m=audio')) return media;
    return media.flatMap((line) => {
      const map = /^a=rtpmap:(\d+) opus\/48000/i.exec(line);
      if (map?.[1] !== undefined && !media.some((l) => l.startsWith(`a=fmtp:${map[1]} `))) {
        return [line, `a=fmtp:${map[1]} useinbandfec=1;usedtx=1`];
      }
      const fmtp = /^a=fmtp:(\d+) (.*)$/.exec(line);
      if (fmtp?.[1] === undefined || !opus.has(fmtp[1])) return [line];
      return [`a=fmtp:${fmtp[1]} ${withOptions(fmtp[2] ?? '')}`];
    });
  }).join('\r\n');
}

function withOptions(options: string): string {
  const kept = options
    .split(';')
    .map((option) => option.trim())
    .filter((option) => option !== '' && !/^(useinbandfec|usedtx)=/.test(option));
  return [...kept, 'useinbandfec=1', 'usedtx=1'].join(';');
}

function eachMedia(lines: string[], change: (media: string[]) => string[]): string[] {
  const sections: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith('m=')) sections.push([]);
    sections[sections.length - 1]?.push(line);
  }
  return sections.flatMap((section, index) => (index === 0 ? section : change(section)));
}
