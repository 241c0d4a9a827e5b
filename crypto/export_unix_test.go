//go:build unix

package crypto

// PrivacyFault lets a test examine files of other owners without being root.
var PrivacyFault = privacyFault
