// mbedTLS: the certificates and keys of its self-tests, which one object refers to.
extern "C" {
__attribute__((weak)) const char* mbedtls_test_ca_crt = "";
__attribute__((weak)) const char* mbedtls_test_cli_crt = "";
__attribute__((weak)) decltype(sizeof 0) mbedtls_test_ca_crt_len = 0;
__attribute__((weak)) decltype(sizeof 0) mbedtls_test_cli_crt_len = 0;
}
