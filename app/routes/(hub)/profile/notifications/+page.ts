import { NotificationPreferences } from '#domain/notification.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent, depends }) => {
	depends(of('notification'), of('webhook'));
	await parent();
	return { preferences: await api.get('/me/notification-preferences', NotificationPreferences, { fetch }) };
};
