//! Trees made for the tests, each as tools and people make them.

use super::*;

/// A tree of these files.
pub(super) fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

/// A scheme of one target in `App.xcodeproj` that tests these targets and has these plans, the first the default one.
pub(super) fn scheme(target: &str, tests: &[&str], plans: &[&str]) -> String {
    scheme_in("App.xcodeproj", target, tests, plans)
}

fn scheme_in(project: &str, target: &str, tests: &[&str], plans: &[&str]) -> String {
    let reference = |id: &str, name: &str| {
        format!(
            "<BuildableReference BuildableIdentifier = \"primary\" BlueprintIdentifier = \"{id}\" BlueprintName = \"{name}\" ReferencedContainer = \"container:{project}\"></BuildableReference>"
        )
    };
    let tests: Vec<String> = tests
        .iter()
        .map(|name| {
            let (skipped, name) = name.strip_prefix('!').map_or(("NO", *name), |name| ("YES", name));
            format!("<TestableReference\n skipped = \"{skipped}\">{}</TestableReference>", reference("T", name))
        })
        .collect();
    let plans: Vec<String> = plans
        .iter()
        .enumerate()
        .map(|(at, path)| {
            let default = if at == 0 { " default = \"YES\"" } else { "" };
            format!("<TestPlanReference reference = \"container:{path}\"{default}></TestPlanReference>")
        })
        .collect();
    let plans = if plans.is_empty() { String::new() } else { format!("<TestPlans>{}</TestPlans>", plans.concat()) };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Scheme version = \"1.7\">\n<BuildAction><BuildActionEntries><BuildActionEntry buildForTesting = \"YES\">{}</BuildActionEntry></BuildActionEntries></BuildAction>\n<TestAction buildConfiguration = \"Debug\">{plans}<Testables>{}</Testables></TestAction>\n</Scheme>\n",
        reference("A", target),
        tests.concat()
    )
}

/// A project whose target `A` is for one platform; `more` are settings of the target.
pub(super) fn pbxproj(sdk: &str, more: &str) -> String {
    format!(
        "// !$*UTF8*$!\n{{\n\tarchiveVersion = 1;\n\tobjects = {{\n\t\tA /* App */ = {{isa = PBXNativeTarget; buildConfigurationList = LA; name = App; productType = \"com.apple.product-type.application\"; }};\n\t\tT /* AppTests */ = {{isa = PBXNativeTarget; buildConfigurationList = LA; name = AppTests; productType = \"com.apple.product-type.bundle.unit-test\"; }};\n\t\tP = {{isa = PBXProject; buildConfigurationList = LP; targets = (A, T, ); }};\n\t\tLA = {{isa = XCConfigurationList; buildConfigurations = (CA, ); }};\n\t\tLP = {{isa = XCConfigurationList; buildConfigurations = (CP, ); }};\n\t\tCA = {{isa = XCBuildConfiguration; buildSettings = {{ PRODUCT_NAME = \"$(TARGET_NAME)\"; {more} }}; name = Debug; }};\n\t\tCP = {{isa = XCBuildConfiguration; buildSettings = {{ SDKROOT = {sdk}; }}; name = Debug; }};\n\t}};\n\trootObject = P /* Project object */;\n}}\n"
    )
}

/// A workspace of these projects.
pub(super) fn workspace(projects: &[&str]) -> String {
    let references: Vec<String> = projects.iter().map(|path| format!("<FileRef\n location = \"group:{path}\">\n</FileRef>")).collect();
    format!("<?xml version=\"1.0\"?>\n<Workspace version = \"1.0\">{}</Workspace>\n", references.concat())
}

const PBXPROJ: &str = "App.xcodeproj/project.pbxproj";
const SCHEME: &str = "App.xcodeproj/xcshareddata/xcschemes/App.xcscheme";

pub(super) fn project_of_one() -> TempDir {
    tree(&[(PBXPROJ, &pbxproj("iphoneos", "")), (SCHEME, &scheme("App", &["AppTests"], &[]))])
}

fn cocoapods() -> TempDir {
    tree(&[
        ("Podfile", ""),
        ("App.xcworkspace/contents.xcworkspacedata", &workspace(&["App.xcodeproj", "Pods/Pods.xcodeproj"])),
        (PBXPROJ, &pbxproj("iphoneos", "")),
        ("App.xcodeproj/project.xcworkspace/contents.xcworkspacedata", "<Workspace/>"),
        (SCHEME, &scheme("App", &["AppTests", "AppUITests"], &[])),
        ("App.xcodeproj/xcshareddata/xcschemes/Widget.xcscheme", &scheme("Widget", &[], &[])),
        ("Pods/Pods.xcodeproj/project.pbxproj", &pbxproj("iphoneos", "")),
        ("Pods/Pods.xcodeproj/xcshareddata/xcschemes/AFNetworking.xcscheme", &scheme("AFNetworking", &["T"], &[])),
        ("Carthage/Checkouts/X/X.xcodeproj/project.pbxproj", ""),
    ])
}

fn several_projects() -> TempDir {
    tree(&[
        ("A.xcodeproj/project.pbxproj", &pbxproj("macosx", "")),
        ("A.xcodeproj/xcshareddata/xcschemes/A.xcscheme", &scheme_in("A.xcodeproj", "A", &[], &[])),
        ("B.xcodeproj/project.pbxproj", &pbxproj("macosx", "SUPPORTED_PLATFORMS = \"macosx iphoneos\";")),
        ("B.xcodeproj/xcshareddata/xcschemes/Core.xcscheme", &scheme_in("B.xcodeproj", "Core", &["CoreTests"], &[])),
        ("B.xcodeproj/xcshareddata/xcschemes/Net.xcscheme", &scheme_in("B.xcodeproj", "Net", &["NetTests"], &[])),
        ("Examples/Demo/Demo.xcodeproj/project.pbxproj", &pbxproj("iphoneos", "")),
    ])
}

fn package(manifest: &str) -> TempDir {
    tree(&[("Package.swift", manifest), ("Example/Example.xcodeproj/project.pbxproj", &pbxproj("iphoneos", ""))])
}

const KIT: &str = "let package = Package(name: \"Kit\", platforms: [.iOS(.v16)], products: [.library(name: \"Kit\", targets: [\"Kit\"])], targets: [.target(name: \"Kit\"), .testTarget(name: \"KitTests\")])";
const TOOLS: &str = "let package = Package(name: \"tools\", products: [.library(name: \"A\"), .library(name: \"B\")])";

fn plans() -> TempDir {
    let on = r#"{"testTargets": [{"target": {"name": "AppTests"}}], "version": 1}"#;
    let off = r#"{"testTargets": [{"enabled": false, "target": {"name": "AppTests"}}]}"#;
    tree(&[
        (PBXPROJ, &pbxproj("auto", "SUPPORTED_PLATFORMS = \"xros xrsimulator\";")),
        (SCHEME, &scheme("App", &[], &["Plans/Smoke.xctestplan", "Plans/Full.xctestplan", "Plans/Gone.xctestplan"])),
        ("Plans/Smoke.xctestplan", off),
        ("Plans/Full.xctestplan", on),
    ])
}

fn non_ascii() -> TempDir {
    // The directory's name is decomposed, as some file systems give it.
    let project = "Su\u{308}d/Täschchen \u{1f600}.xcodeproj";
    tree(&[
        (&format!("{project}/project.pbxproj"), &pbxproj("appletvos", "")),
        (&format!("{project}/xcshareddata/xcschemes/프로 \"1\".xcscheme"), &scheme_in("x", "T", &["!Skipped"], &[])),
    ])
}

/// Every tree with its name and where in it a person stands.
pub(super) fn all() -> Vec<(&'static str, &'static str, TempDir)> {
    let private = "App.xcodeproj/xcuserdata/kim.xcuserdatad/xcschemes/App.xcscheme";
    let gathering = scheme("App", &[], &[]).replace("<TestAction ", "<TestAction shouldAutocreateTestPlan = \"YES\" ");
    let here = "services/ios/App/App.xcodeproj";
    vec![
        ("project", "", project_of_one()),
        ("cocoapods", "", cocoapods()),
        (
            "pods-not-installed",
            "",
            tree(&[("Podfile", ""), (PBXPROJ, &pbxproj("iphoneos", "")), (SCHEME, &scheme("App", &["AppTests"], &[]))]),
        ),
        ("several-projects", "", several_projects()),
        ("package", "", package(KIT)),
        ("package-of-several-products", "", package(TOOLS)),
        ("test-plans", "", plans()),
        ("gathered-tests", "", tree(&[(PBXPROJ, &pbxproj("watchos", "")), (SCHEME, &gathering)])),
        ("non-ascii", "", non_ascii()),
        ("private-scheme", "", tree(&[(PBXPROJ, &pbxproj("macosx", "")), (private, "<Scheme/>")])),
        ("no-scheme", "", tree(&[(PBXPROJ, "{")])),
        (
            "nested",
            "services/ios",
            tree(&[
                (&format!("{here}/project.pbxproj"), &pbxproj("iphoneos", "")),
                (&format!("{here}/xcshareddata/xcschemes/App.xcscheme"), &scheme("App", &["AppTests"], &[])),
                ("Package.swift", KIT),
            ]),
        ),
        ("nothing", "", tree(&[("README.md", ""), ("App.xcodeproj/xcshareddata/x", "")])),
        ("generated", "", tree(&[("project.yml", "name: App"), ("ios/Podfile", "")])),
    ]
}
