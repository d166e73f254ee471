import { listIncidents } from '../incidents/list.ts';
import type { Ctx } from '../context.ts';

const LATEST = 50;

const escaped = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${String(char.charCodeAt(0))};`);

/** The incidents a person may see, the latest first, as Atom (RFC 4287). */
export async function readIncidentFeed(ctx: Ctx, origin: URL): Promise<string> {
	const { items } = await listIncidents(ctx, { limit: LATEST, sort: '-detected_at' });
	const updated = items.reduce(
		(latest, { updated_at }) => (updated_at > latest ? updated_at : latest),
		'1970-01-01T00:00:00.000Z',
	);
	const entries = items.map(({ id, title, severity, status, detected_at, updated_at }) => {
		const page = `${origin.origin}/incidents/${String(id)}`;
		return `<entry><id>${escaped(page)}</id><title>${escaped(`[${severity}, ${status}] ${title}`)}</title><published>${detected_at}</published><updated>${updated_at}</updated><link href="${escaped(page)}"/><category term="${severity}"/></entry>\n`;
	});
	return `<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><id>${escaped(`${origin.origin}/incidents`)}</id><title>uHub</title><author><name>uHub</name></author><updated>${updated}</updated>\n${entries.join('')}</feed>\n`;
}
