"""The emulated AWS Lambda: functions are moto's; invoking one runs its Python for real."""
