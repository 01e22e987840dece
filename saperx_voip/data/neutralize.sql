-- A copied database must not speak to the platform, nor know how.
UPDATE saperx_integration
SET active = FALSE,
    environment = 'homologation',
    base_url = 'https://neutralized.invalid',
    username = 'neutralized',
    password_encrypted = NULL,
    api_key_encrypted = NULL,
    api_secret_encrypted = NULL;
UPDATE saperx_schedule SET active = FALSE, next_run_at = NULL, retry_at = NULL;
UPDATE saperx_line SET password_encrypted = NULL;
DELETE FROM saperx_token;
DELETE FROM saperx_api_log;
