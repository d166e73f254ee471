import { z } from 'zod';
import { Letter } from '#domain/mail-text.ts';
import { Locale } from '#domain/user.ts';

/** A mail that an agent is to pass on. It makes the text of it itself, so a hub can have nothing else said. */
export const MailRequest = z.strictObject({
	to: z.email().max(200),
	locale: Locale,
	/** Where the pages are that it leads to. */
	hub: z.url({ protocol: /^https?$/ }).max(300),
	letter: Letter,
});
export type MailRequest = z.infer<typeof MailRequest>;
