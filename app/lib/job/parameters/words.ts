import type { ParameterType, SecretDelivery } from '#domain/parameter.ts';
import { m } from '#lib/paraglide/messages.js';

export const parameterType: Record<ParameterType, () => string> = {
	text: m.parameter_type_text,
	number: m.parameter_type_number,
	choice: m.parameter_type_choice,
	date: m.parameter_type_date,
	hosts: m.parameter_type_hosts,
	secret: m.parameter_type_secret,
};

export const secretDelivery: Record<SecretDelivery['as'], () => string> = {
	file: m.parameter_deliver_file,
	stdin: m.parameter_deliver_stdin,
	env: m.parameter_deliver_env,
};
