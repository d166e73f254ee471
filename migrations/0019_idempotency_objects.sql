ALTER TABLE `idempotency_keys` ADD `object_type` text;--> statement-breakpoint
ALTER TABLE `idempotency_keys` ADD `object_id` integer;