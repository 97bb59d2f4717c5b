//! How many sites are invited, and their names for those who may see links. Asked once; a console without
//! an answer shows the seats it knows.

import { links, meetingOf } from '../lib/api';

/** What is known of the invited sites. */
export class Invited {
  n_sites = $state(0);
  sites = $state.raw<readonly { id: string; name: string }[]>([]);

  async load(meeting: string, mayReadLinks: boolean): Promise<void> {
    const asked = [
      meetingOf(meeting).then((found) => (this.n_sites = found.n_sites)),
      mayReadLinks
        ? links(meeting).then((all) => {
            this.sites = all
              .filter((link) => !link.revoked)
              .map((link) => ({ id: link.site, name: link.site_name }));
          })
        : Promise.resolve(),
    ];
    await Promise.allSettled(asked);
  }
}
