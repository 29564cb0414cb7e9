//! What single lines become.

use super::*;
use crate::Action;

/// Splits at spaces; `_` stands for a space within a word.
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(|word| word.replace('_', " ").replace('~', "_")).collect()
}

fn of(line: &str) -> Classified {
    classify(&words(line), &Policy::default())
}

fn farm(arguments: &[&str], settings: &[&str]) -> Policy {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Policy { arguments: set(arguments), settings: set(settings), trust_macros_and_plugins: false }
}

#[test]
fn a_line_becomes_canonical_whatever_its_order() {
    for (line, canonical) in [
        ("", "build"),
        ("-scheme App", "build -scheme App"),
        ("build test -scheme App", "test -scheme App"),
        ("build clean -scheme App", "build -scheme App"),
        (
            "ONLY~ACTIVE~ARCH=NO test -scheme App CODE~SIGN~IDENTITY= -project App.xcodeproj",
            "test -project App.xcodeproj -scheme App CODE~SIGN~IDENTITY= ONLY~ACTIVE~ARCH=NO",
        ),
        ("-workspace ./Tests//Mac/Socket.xcworkspace/ -scheme S", "build -workspace Tests/Mac/Socket.xcworkspace -scheme S"),
        (
            "test -only-testing B -skip-testing:C/d() -only-testing:A_+_`x` -only-testing:B",
            "test -only-testing:A_+_`x` -only-testing:B -skip-testing:C/d()",
        ),
        ("-sdk iphonesimulator9.3 -configuration Release", "build -configuration Release -sdk iphonesimulator9.3"),
        ("test -test-iterations 03 -retry-tests-on-failure", "test -test-iterations 3 -retry-tests-on-failure"),
        ("-quiet -derivedDataPath build/ -resultBundlePath ../x -jobs $JOBS -scheme build", "build -scheme build"),
        (
            "-collect-test-diagnostics never -testRegion DE -testLanguage zh-Hans test -testPlan All",
            "test -testPlan All -testLanguage zh-Hans -testRegion DE -collect-test-diagnostics never",
        ),
        (
            "-enableThreadSanitizer YES -enableAddressSanitizer NO -enableCodeCoverage YES -parallel-testing-enabled NO test-without-building",
            "test-without-building -enableCodeCoverage YES -parallel-testing-enabled NO -enableAddressSanitizer NO -enableThreadSanitizer YES",
        ),
    ] {
        let classified = of(line);
        assert_eq!(classified.rejected, [], "{line}");
        assert_eq!(classified.sanitized_argv, words(canonical), "{line}");
    }
}

#[test]
fn what_a_line_says_besides_its_arguments_is_kept_apart() {
    let classified = of(
        "clean test -workspace A.xcworkspace -scheme App -destination name=iPhone_16 -destination name=Apple_TV -destination name=iPhone_16,OS=latest -jobs 4",
    );
    assert_eq!(classified.action, Action::Test);
    assert!(classified.clean && classified.is_accepted());
    assert_eq!(classified.container, Some(Container::Workspace("A.xcworkspace".to_owned())));
    assert_eq!(classified.scheme.as_deref(), Some("App"));
    assert_eq!(classified.destinations, ["name=iPhone 16", "name=Apple TV"]);
    let dropped: Vec<(usize, &str)> = classified.dropped.iter().map(|dropped| (dropped.index, dropped.argument.as_str())).collect();
    assert_eq!(dropped, [(0, "clean"), (10, "-destination name=iPhone 16,OS=latest"), (12, "-jobs 4")]);
}

#[test]
fn an_sdk_alone_implies_a_destination() {
    for (line, implied) in [
        ("-sdk iphonesimulator build", Some("generic/platform=iOS Simulator")),
        ("-sdk appletvos17.0 build-for-testing", Some("generic/platform=tvOS")),
        ("-sdk macosx test", Some("platform=macOS")),
        ("-sdk iphonesimulator test", None),
        ("-sdk macosx -destination platform=macOS,arch=arm64", None),
        ("test", None),
    ] {
        assert_eq!(of(line).implied_destination().as_deref(), implied, "{line}");
    }
}

/// A line with one mistake: where it stands, how many words it covers, and what is said.
type Mistake = (&'static str, usize, usize, &'static str);

fn assert_mistakes(mistakes: &[Mistake]) {
    for (line, index, length, said) in mistakes {
        let rejected = of(line).rejected;
        let [only] = &rejected[..] else { panic!("{line}: {rejected:?}") };
        assert_eq!((only.index, only.length), (*index, *length), "{line}: {only}");
        assert!(only.to_string().contains(said), "{line}: {only}");
        assert_eq!(only.argument, words(line)[*index..index + length].join(" "), "{line}");
    }
}

#[test]
fn a_mistake_is_pointed_at_and_comes_with_what_to_write() {
    assert_mistakes(&[
        // Unknown words must not hide or invent an action.
        ("-enableMemoryValidation build -scheme App", 0, 2, "leave it out"),
        ("-shceme App test", 0, 2, "did you mean -scheme?"),
        ("--scheme App", 0, 2, "did you mean -scheme?"),
        ("-scheme App --dry-run", 2, 1, "write rch xcodebuild --dry-run and then the line"),
        ("-scheme App --log=raw", 2, 1, "write rch xcodebuild --log=raw and then the line"),
        ("-scheme App test --log short", 3, 2, "write rch xcodebuild --log short and then the line"),
        ("test --dry-run -scheme App", 1, 1, "write rch xcodebuild --dry-run and then the line"),
        ("--dry-run xcodebuild -scheme App test", 0, 2, "write rch xcodebuild --dry-run and then the line"),
        ("--dry-run test -scheme App", 0, 1, "write rch xcodebuild --dry-run and then the line"),
        ("-IDECustomDerivedDataLocation=x", 0, 1, "user defaults, and those can redirect any path; leave it out: the farm chooses paths"),
        ("-UseModernBuildSystem=NO", 0, 1, "Xcode 14 and later have one build system"),
        ("-AppleLanguages=de", 0, 1, "leave it out, or set it in the project"),
        ("-scheme=App", 0, 1, "write -scheme App, without ="),
        ("tset", 0, 1, "did you mean test?"),
        ("-configuration Test Debug", 2, 1, "quote the value: -configuration 'Test Debug'"),
        ("-scheme My tset", 2, 1, "did you mean test? Else quote the value: -scheme 'My tset'"),
        ("-scheme My Big App test", 2, 2, "quote the value: -scheme 'My Big App'"),
        ("-destination platform=iOS Simulator,name=iPhone 11 Pro test", 2, 3, "-destination 'platform=iOS Simulator,name=iPhone 11 Pro'"),
        ("-destination platform=macOS arch=arm64", 2, 1, "quote the value: -destination 'platform=macOS,arch=arm64'"),
        ("-destination name=iPhone_16, OS=18.2", 2, 1, "quote the value: -destination 'name=iPhone 16,OS=18.2'"),
        ("-destination platform=\"macOS", 0, 2, "quote it as a whole"),
        ("-scheme App's one", 2, 1, "quote the value: -scheme \"App's one\""),
        ("-scheme $SCHEME test", 0, 2, "write its value"),
        ("-sdk ${SDK:-iphoneos}", 0, 2, "was not filled in"),
        ("@arguments", 0, 1, "from a file"),
        ("–scheme", 0, 1, "write it with -"),
        ("--", 0, 1, "no end of options"),
        ("2X=1", 0, 1, "no build setting has such a key"),
        ("platform=iOS_Simulator", 0, 1, "write -destination before it"),
        // Values.
        ("test -scheme", 1, 1, "-scheme needs a value"),
        ("-scheme -quiet", 0, 1, "-scheme needs a value"),
        ("-jobs -quiet", 0, 1, "-jobs needs a value"),
        ("-only-testing: test", 0, 1, "write -only-testing TEST"),
        ("test -enableCodeCoverage yes", 1, 2, "write -enableCodeCoverage YES"),
        ("test -test-iterations 101", 1, 2, "from 1 to 100"),
        ("test -test-iterations +3", 1, 2, "from 1 to 100"),
        ("test -testLanguage de/../fr", 1, 2, "a code of letters"),
        ("-configuration debug", 0, 2, "write -configuration Debug"),
        ("-sdk /Applications/Xcode.app/x.sdk", 0, 2, "a path would choose files of the worker"),
        ("-sdk 14.2", 0, 2, "-sdk iphonesimulator"),
        ("-collect-test-diagnostics always", 0, 2, "on-failure or never"),
        // Paths.
        ("-workspace /Users/me/A.xcworkspace", 0, 2, "relative to the root of the tree"),
        ("-workspace a/../../B.xcworkspace", 0, 2, "leaves the tree"),
        ("-project ./-x.xcodeproj", 0, 2, "rename the file"),
        ("-project A.xcworkspace", 0, 2, "write -workspace A.xcworkspace"),
        ("-workspace .", 0, 2, "a package needs no -workspace"),
    ]);
}

#[test]
fn what_is_refused_for_its_meaning_is_pointed_at_too() {
    assert_mistakes(&[
        // Together.
        ("-project A.xcodeproj -workspace A.xcworkspace", 2, 2, "-workspace cannot stand beside -project"),
        ("-retry-tests-on-failure test -run-tests-until-failure", 2, 1, "cannot stand beside"),
        ("test -test-repetition-relaunch-enabled YES", 1, 2, "-retry-tests-on-failure"),
        ("-testPlan All build", 0, 2, "is for tests"),
        ("-scheme A -scheme A", 2, 2, "-scheme is there twice; write it once"),
        ("-scheme A -scheme B", 2, 2, "-scheme is there twice, first with A; write it once"),
        ("ONLY~ACTIVE~ARCH=NO ONLY~ACTIVE~ARCH=YES", 1, 1, "set twice, first to \"NO\""),
        ("test test", 1, 1, "test is there twice"),
        ("build-for-testing test", 1, 1, "write test"),
        ("build build-for-testing", 1, 1, "one of them"),
        ("clean -scheme App", 0, 1, "write clean build"),
        ("-sdk watchsimulator -destination platform=iOS_Simulator,name=iPhone_11", 2, 2, "write -sdk iphonesimulator"),
        ("test -destination generic/platform=iOS", 1, 2, "platform=iOS Simulator,name=…"),
        ("-destination platform=iOS_Simulator,os=17", 0, 2, "(write OS)"),
        ("ONLY~ACTIVE~ARCH=NO ONLY~ACTIVE~ARCH=NO", 1, 1, "set twice"),
        // Denied whatever a policy says.
        ("-target App", 0, 2, "-scheme"),
        ("archive", 0, 1, "out of the farm's scope"),
        ("-exportOptionsPlist x.plist", 0, 2, "certificates"),
        ("-toolchain swift", 0, 2, "which programs run"),
        ("-showsdks", 0, 1, "rch workers show"),
        ("-list", 0, 1, "rch xcode init"),
        ("SYMROOT=build", 0, 1, "the farm chooses paths"),
        ("DERIVED~FILE~DIR=x", 0, 1, "the farm chooses paths"),
        ("C~COMPILER~LAUNCHER=ccache", 0, 1, "which programs run"),
        ("SDKROOT=iphoneos", 0, 1, "write -sdk"),
        // Left to a policy that does not name them.
        ("-arch arm64", 0, 2, "policy.arguments"),
        ("OTHER~LDFLAGS=-ObjC", 0, 1, "policy.settings"),
        ("PLATFORM~NAME=iphonesimulator", 0, 1, "write -sdk with the platform"),
        ("MARKETING~VERSION=1.2", 0, 1, "tested, not shipped"),
        ("SKIP~INSTALL=NO", 0, 1, "it matters to archive alone; leave it out"),
        ("CODE~SIGN~STYLE=Manual", 0, 1, "CODE_SIGNING_ALLOWED=NO"),
        ("SQLITE~FTS5=1", 0, 1, "policy.settings"),
        ("BUILD~LIBRARIES~FOR~DISTRIBUTION=YES", 0, 1, "did you mean BUILD_LIBRARY_FOR_DISTRIBUTION?"),
        ("ONLY~ACTIVE~ARCH[sdk=iphoneos*]=NO", 0, 1, "policy.settings"),
        // Closed values.
        ("ONLY~ACTIVE~ARCH=no", 0, 1, "ONLY_ACTIVE_ARCH=YES or ONLY_ACTIVE_ARCH=NO"),
        ("CODE~SIGN~IDENTITY=Apple_Development", 0, 1, "CODE_SIGN_IDENTITY=-"),
        ("DEVELOPMENT~TEAM=8VQKF583ED", 0, 1, "with nothing after it"),
        ("ARCHS=i386", 0, 1, "ARCHS=arm64"),
        ("IPHONEOS~DEPLOYMENT~TARGET=new", 0, 1, "numbers joined by dots"),
    ]);
}

#[test]
fn words_that_no_shell_line_shows_are_refused() {
    for (word, said) in [("", "empty"), ("a\0b", "control"), ("-only-testing:a\nb", "control"), ("x\u{85}", "control")] {
        let rejected = classify(&[word.to_owned()], &Policy::default()).rejected;
        assert!(rejected[0].to_string().contains(said), "{word:?}: {rejected:?}");
    }
    let long = "x".repeat(ARGUMENT_BYTES_MAX);
    assert!(classify(&["-scheme".to_owned(), long], &Policy::default()).rejected[0].reason.contains("longer"));
    let many = vec!["-quiet".to_owned(); ARGUMENTS_MAX + 10];
    let rejected = classify(&many, &Policy::default()).rejected;
    assert_eq!((rejected.len(), rejected[0].index, rejected[0].length), (1, ARGUMENTS_MAX, 10));
    let full: Vec<String> = (0..ARGUMENTS_MAX).map(|number| format!("-only-testing:T{number}")).collect();
    let once = classify(&full, &Policy::default());
    assert!(once.is_accepted() && classify(&once.sanitized_argv, &Policy::default()).is_accepted());
}

#[test]
fn a_policy_allows_what_it_names_and_nothing_that_is_denied() {
    let farm =
        farm(&["-arch", "-xcconfig", "-target"], &["*_SEARCH_PATHS", "OTHER_LDFLAGS", "SQLITE_FTS5", "SYMROOT", "ARCHS[sdk=iphoneos*]"]);
    let line = "-arch x86~64 -arch arm64 -xcconfig ci.xcconfig HEADER~SEARCH~PATHS=$(inherited)_$(PROJECT~DIR)/Firebase OTHER~LDFLAGS=-ObjC SQLITE~FTS5=1 ARCHS[sdk=iphoneos*]=arm64";
    let classified = classify(&words(line), &farm);
    assert_eq!(classified.rejected, []);
    assert_eq!(
        classified.sanitized_argv,
        words(
            "build -arch arm64 -arch x86~64 -xcconfig ci.xcconfig ARCHS[sdk=iphoneos*]=arm64 HEADER~SEARCH~PATHS=$(inherited)_$(PROJECT~DIR)/Firebase OTHER~LDFLAGS=-ObjC SQLITE~FTS5=1"
        )
    );
    for denied in [
        "-target App",
        "SYMROOT=build",
        "SYMROOT[sdk=*]=build",
        "-arch mips",
        "-xcconfig ../x.xcconfig",
        "ARCHS[sdk=iphoneos*]=i386",
        "OTHER~CFLAGS=-g",
        "-skipMacroValidation",
    ] {
        assert_eq!(classify(&words(denied), &farm).rejected.len(), 1, "{denied}");
    }
    let mismatch = classify(&words("-arch x86~64 -destination platform=macOS,arch=arm64"), &farm);
    assert!(mismatch.rejected[0].fix.contains("leave -arch out"), "{mismatch:?}");
    assert_eq!(farm.without_effect(), ["-target", "SYMROOT"]);
}

#[test]
fn a_free_value_reaches_nothing_outside_the_tree() {
    let farm = farm(&[], &["OTHER_CFLAGS"]);
    for (value, accepted) in [
        ("-DDEBUG -DNAME=a/b", true),
        ("$(inherited) -Ifoo/bar -F$(SRCROOT)/x", true),
        ("-Xfrontend -warn-long-function-bodies=500", true),
        ("-Wl,-all_load -force_load Vendor/lib.a", true),
        ("-I/usr/include", false),
        ("-isystem/usr/include", false),
        ("-I /usr/include", false),
        ("-Wl,-rpath,/x", false),
        ("-fmodule-map-file=/x", false),
        ("-I\"/usr\"", false),
        ("-I../x", false),
        ("@flags.txt", false),
        ("-Xclang -load", false),
        ("-fplugin=x.dylib", false),
        ("-lo\\ad-plugin-library x", false),
        ("-load-pass-plugin=x", false),
        ("-fuse-ld=mine", false),
    ] {
        let classified = classify(&[format!("OTHER_CFLAGS={value}")], &farm);
        assert_eq!(classified.is_accepted(), accepted, "{value}: {:?}", classified.rejected);
    }
}

#[test]
fn macros_are_trusted_unless_the_farm_does_not() {
    assert_eq!(of("-skipMacroValidation").dropped.len(), 1);
    let careful = Policy { trust_macros_and_plugins: false, ..Policy::default() };
    assert_eq!(classify(&words("-skipMacroValidation"), &careful).rejected.len(), 1);
}

#[test]
fn a_repo_narrows_a_policy_and_never_widens_it() {
    let farm = farm(&["-arch"], &["OTHER_LDFLAGS"]);
    let repo = Policy { settings: ["OTHER_LDFLAGS", "OTHER_CFLAGS"].map(str::to_owned).into(), ..Policy::default() };
    let both = farm.narrowed_by(&repo);
    assert!(both.arguments.is_empty() && !both.trust_macros_and_plugins);
    assert_eq!(both.settings.iter().map(String::as_str).collect::<Vec<_>>(), ["OTHER_LDFLAGS"]);
    assert_eq!(both, repo.narrowed_by(&farm));
    assert_ne!(farm.digest(), both.digest());
    assert_eq!(serde_json::from_str::<Policy>("{}").map(|policy| policy.digest()).ok(), Some(Policy::default().digest()));
}

#[test]
fn the_tables_are_in_canonical_order_and_say_everything_once() {
    let positions: Vec<u8> = TABLE.iter().filter_map(|row| row.position).collect();
    assert!(positions.is_sorted());
    let mut names: Vec<&str> = TABLE.iter().flat_map(|row| row.names).copied().collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for row in TABLE {
        let kept = matches!(row.class, Class::Allow | Class::Policy);
        assert_eq!(row.position.is_some(), kept, "{:?}", row.names);
        assert_eq!(row.instead.is_empty(), matches!(row.class, Class::Allow | Class::Owned), "{:?}", row.names);
        assert!(!row.rule.is_empty(), "{:?}", row.names);
        // Kept arguments are ordered by row, so a second name in it would need an order of its own.
        assert!(!kept || row.names.len() == 1 || row.position == Some(0), "{:?}", row.names);
    }
    for row in SETTINGS {
        assert_eq!(row.instead.is_empty(), matches!(row.class, SettingClass::Allow(_)), "{:?}", row.names);
    }
}
