#include "probe.h"

EFI_BOOT_SERVICES *efi_boot;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	static void (*const tests[])(struct device *) = { test_config, test_bars, test_dma,
		test_msix, test_cpus, test_intx, test_port };
	struct device d;

	(void)image;
	efi_boot = system->BootServices;
	say("probe: begins");
	interrupts_init();
	if (device_find(&d))
		for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
			tests[i](&d);
	else
		check(false, "self-test device found");
	say("probe: %u passed, %u failed", nr_passed, nr_failed);
	say_all();
	system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	return EFI_SUCCESS;
}
