/* Made up for the tests. */
import "pe"

rule Leave_the_garden : orders demo {
    meta:
        author = "nobody"
        description = "Orders to leave the garden"
        weight = 3
    strings:
        $a = "leave the garden at once" nocase
        $b = "open the blue gate" nocase wide fullword // and go
        $c = /forget (all|any) (of )?your gardeners?/i
    condition:
        any of them
}

rule two_together {
    strings:
        $first = "gather the pebbles"
        $second = { 63 6F 75 6E 74 [1-3] ( 74 68 65 | 61 6C 6C ) 20 6? ?? 61 64 73 }
    condition:
        $first and $second
}

rule two_of_three {
    strings:
        $s1 = "amber lantern"
        $s2 = "birch ladder"
        $s3 = "cedar basket" base64
    condition:
        2 of ($s*)
}

rule partly {
    strings:
        $x = "the password of the gate" xor(0x01-0xff)
        $y = "the password of the well"
        $z = /w[el]l/
    condition:
        $x or $y or $z
}

rule counted { strings: $a = "garden wall" condition: #a > 3 }
rule too_short { strings: $a = "ab" condition: $a }
rule jump { strings: $a = { 67 61 72 64 [4-] 65 6E } condition: $a }
rule big { strings: $a = "garden wall" condition: $a and filesize < 20KB }
private rule helper { strings: $a = "garden wall" condition: $a }
